/** Takes an Activity of a running session whenever somebody asks. */
import { architecture } from '../kernel/architecture.ts'
import { interfaceName } from '../kernel/interfaces.ts'
import type { Activity, TargetActivity } from '../report/activity.ts'
import { decodeEvent } from '../report/event.ts'
import { hintOfNeverSeen } from '../report/hints.ts'
import { injectionLine } from '../report/injection-line.ts'
import type { LogContext } from '../report/log.ts'
import { whyNotFired } from '../report/why-not-fired.ts'
import { describeRule } from '../rules/describe.ts'
import type { Rule, RuleCounts } from '../rules/rule.ts'
import { syscallName } from '../rules/syscalls.ts'
import type { RecentEvents } from './recent-events.ts'
import { TargetStatistics } from './target-statistics.ts'
import type { EngineTotals } from './totals.ts'

/** Where a sample comes from. */
export interface SampleSource {
  readonly rules: readonly Rule[]
  readonly seed: bigint
  /** Name of the engine of each rule. */
  readonly engines: readonly string[]
  totals(): Promise<EngineTotals>
  /** How many there are, and the youngest of them. */
  targets(): { readonly count: number; readonly youngest: readonly TargetActivity[] }
  readonly recent: RecentEvents | undefined
  /** Or why there are none. */
  readonly statistics: TargetStatistics | { readonly missing: string }
}

export class Sampler {
  readonly #source: SampleSource
  readonly #names: LogContext
  readonly #words: readonly string[]
  readonly #hints = new Map<Rule, string | undefined>()
  #last: Promise<unknown> = Promise.resolve()

  constructor(source: SampleSource) {
    this.#source = source
    this.#words = source.rules.map(describeRule)
    this.#names = {
      seed: source.seed,
      syscall: (number) => syscallName(number, architecture),
      interface: interfaceName,
    }
  }

  /** One after the other, whoever asks. */
  sample(): Promise<Activity> {
    const sampled = this.#last.then(() => this.#take())
    this.#last = sampled.catch(() => {})
    return sampled
  }

  /** When no sample is being taken. */
  async idle(): Promise<void> {
    await this.#last
  }

  async #take(): Promise<Activity> {
    const { rules, engines, statistics } = this.#source
    const { counts, lostEvents } = await this.#source.totals()
    const { count, youngest } = this.#source.targets()
    return {
      atMs: performance.now(),
      rules: rules.map((rule, index) => ({
        label: rule.label,
        what: this.#words[index] ?? '',
        engine: engines[index] ?? '',
        silence: this.#silence(rule, counts[index]!),
        counts: counts[index]!,
      })),
      targets: youngest,
      targetCount: count,
      ...(statistics instanceof TargetStatistics
        ? { calls: statistics.read() }
        : { calls: undefined, callsMissing: statistics.missing }),
      injections: this.#injections(),
      lostEvents,
    }
  }

  #silence(rule: Rule, counts: RuleCounts): string[] {
    if (counts.fired > 0n) return []
    const hint = counts.seen === 0n ? this.#hint(rule) : undefined
    return [`so far ${whyNotFired(rule, counts)}`, ...(hint === undefined ? [] : [hint])]
  }

  /** Of a rule that was never seen; looked up once, which takes milliseconds. */
  #hint(rule: Rule): string | undefined {
    if (!this.#hints.has(rule)) this.#hints.set(rule, hintOfNeverSeen(rule, architecture))
    return this.#hints.get(rule)
  }

  /** By time: those of BPF programs are read a moment later than the supervisor's. */
  #injections(): string[] {
    const events = (this.#source.recent?.list() ?? []).map((event) => decodeEvent(event))
    events.sort((a, b) => Number(a.timeNs - b.timeNs))
    return events.map((event) => injectionLine(event, this.#source.rules, this.#names))
  }
}
