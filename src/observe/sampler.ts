/** Takes an Activity of a running session on request. */

import type { EngineTotals } from '../engines/totals.ts'
import { architecture } from '../kernel/architecture.ts'
import { interfaceName } from '../kernel/network/interfaces.ts'
import type { Activity, TargetActivity } from '../report/activity.ts'
import { decodeEvent } from '../report/event.ts'
import { hintFor } from '../report/hints.ts'
import { injectionLine } from '../report/injection-line.ts'
import type { LogContext } from '../report/log.ts'
import type { RunSoFar } from '../report/run-so-far.ts'
import { whyNotFired } from '../report/why-not-fired.ts'
import { describeRule } from '../rules/describe.ts'
import { syscallName } from '../rules/names/syscalls.ts'
import type { Rule } from '../rules/rule.ts'
import type { RecentEvents } from './recent-events.ts'
import { TargetStatistics } from './target-statistics.ts'

/** How many processes are targets, and the youngest of them. */
export interface TargetsNow {
  readonly count: number
  readonly youngest: readonly TargetActivity[]
}

/** Where a sample comes from. */
export interface SampleSource {
  readonly rules: readonly Rule[]
  readonly seed: bigint
  /** Name of the engine of each rule. */
  readonly engines: readonly string[]
  totals(): Promise<EngineTotals>
  targets(): TargetsNow
  readonly recent: RecentEvents | undefined
  /** Or why there are none. */
  readonly statistics: TargetStatistics | { readonly missing: string }
}

export class Sampler {
  readonly #source: SampleSource
  readonly #names: LogContext
  readonly #words: readonly string[]
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

  /** One after the other. */
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
    const totals = await this.#source.totals()
    const { counts, lostEvents } = totals
    const run = { rules, ...totals }
    const { count, youngest } = this.#source.targets()
    return {
      atMs: performance.now(),
      rules: rules.map((rule, index) => ({
        label: rule.label,
        what: this.#words[index] ?? '',
        engine: engines[index] ?? '',
        silence: silence(run, index),
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

  /** By time: those of BPF programs are read a moment later than the supervisor's. */
  #injections(): string[] {
    const events = (this.#source.recent?.list() ?? []).map((event) => decodeEvent(event))
    events.sort((a, b) => Number(a.timeNs - b.timeNs))
    return events.map((event) => injectionLine(event, this.#source.rules, this.#names))
  }
}

function silence(run: RunSoFar, index: number): string[] {
  if (run.counts[index]!.fired > 0n) return []
  const hint = hintFor(run, index, architecture)
  return [`so far ${whyNotFired(run, index)}`, ...(hint === undefined ? [] : [hint])]
}
