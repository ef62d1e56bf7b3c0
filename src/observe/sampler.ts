/** Takes an Activity of a running session on request. */

import type { EngineTotals } from '../engines/totals.ts'
import { architecture } from '../kernel/architecture.ts'
import { monotonicMs } from '../kernel/monotonic.ts'
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
import type { Life } from '../rules/rule-table.ts'
import { remembered } from '../targets/remembered.ts'
import type { RecentEvents } from './recent-events.ts'
import { TargetStatistics } from './target-statistics.ts'

/** How many processes are targets, and the youngest of them. */
export interface TargetsNow {
  readonly count: number
  readonly youngest: readonly TargetActivity[]
}

/** What the rules have done up to one moment. */
export interface RulesNow extends EngineTotals {
  /** By slot: those that are no longer in force, too. */
  readonly rules: readonly Rule[]
  readonly lives?: readonly Life[]
  /** Name of the engine of each. */
  readonly engines: readonly string[]
}

/** Where a sample comes from. */
export interface SampleSource {
  readonly seed: bigint
  now(): Promise<RulesNow>
  targets(): TargetsNow
  readonly recent: RecentEvents | undefined
  /** Or why there are none. */
  readonly statistics: TargetStatistics | { readonly missing: string }
}

export class Sampler {
  readonly #source: SampleSource
  readonly #names: LogContext
  readonly #wordsOf = remembered(describeRule)
  #last: Promise<unknown> = Promise.resolve()

  constructor(source: SampleSource) {
    this.#source = source
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
    const { statistics } = this.#source
    const now = await this.#source.now()
    const { rules, engines, counts, lostEvents } = now
    const { count, youngest } = this.#source.targets()
    return {
      atMs: monotonicMs(),
      rules: rules.map((rule, index) => ({
        label: rule.label,
        what: this.#wordsOf(rule),
        engine: engines[index] ?? '',
        silence: silence(now, index),
        counts: counts[index]!,
      })),
      targets: youngest,
      targetCount: count,
      ...(statistics instanceof TargetStatistics
        ? { calls: statistics.read() }
        : { calls: undefined, callsMissing: statistics.missing }),
      injections: this.#injections(rules),
      lostEvents,
    }
  }

  /** By time: those of BPF programs are read a moment later than the supervisor's. */
  #injections(rules: readonly Rule[]): string[] {
    const events = (this.#source.recent?.list() ?? []).map((event) => decodeEvent(event))
    events.sort((a, b) => Number(a.timeNs - b.timeNs))
    return events.map((event) => injectionLine(event, rules, this.#names))
  }
}

function silence(run: RunSoFar, index: number): string[] {
  if (run.counts[index]!.fired > 0n) return []
  const hint = hintFor(run, index, architecture)
  return [`so far ${whyNotFired(run, index)}`, ...(hint === undefined ? [] : [hint])]
}
