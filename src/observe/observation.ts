/** Looks at one set of rules in force, of a command or on the machine: its counts, processes and last injections. */
import type { EngineTotals } from '../engines/totals.ts'
import { listInterfaces } from '../kernel/network/interfaces.ts'
import type { Activity } from '../report/activity.ts'
import type { Rule } from '../rules/rule.ts'
import type { Wanted } from './observer.ts'
import { RecentEvents } from './recent-events.ts'
import { Sampler, type TargetsNow } from './sampler.ts'
import { type Counted, openStatistics, TargetStatistics } from './target-statistics.ts'

/** As many as a tall terminal shows. */
const INJECTIONS_SHOWN = 40

/** What is looked at. */
export interface Subject {
  readonly rules: readonly Rule[]
  readonly seed: bigint
  /** Name of the engine of each rule. */
  readonly engines: readonly string[]
  totals(): Promise<EngineTotals>
  targets(): TargetsNow
  /** How statistics tell targets from other processes, or why they cannot. */
  readonly counted: Counted | { readonly missing: string }
}

export class Observation {
  readonly #wanted: Wanted
  readonly #recent: RecentEvents | undefined
  #statistics: TargetStatistics | undefined
  #sampler: Sampler | undefined

  /** Before anything is attached: open() follows when it is. */
  constructor(wanted: Wanted) {
    this.#wanted = wanted
    this.#recent = wanted.wantsInjections ? new RecentEvents(INJECTIONS_SHOWN) : undefined
  }

  /** Takes the place of the session's own listener; undefined: no events are needed. */
  listener(own: ((event: Buffer) => void) | undefined): ((event: Buffer) => void) | undefined {
    const recent = this.#recent
    if (!recent) return own
    return (event) => {
      recent.add(event)
      own?.(event)
    }
  }

  /** From here on it can be asked. */
  async open(subject: Subject): Promise<void> {
    const statistics = await this.#openStatistics(subject)
    if (statistics instanceof TargetStatistics) this.#statistics = statistics
    // So that an injection can be told with its interface's name.
    if (this.#recent && subject.rules.some(({ kind }) => kind !== 'syscall')) await listInterfaces()
    this.#sampler = new Sampler({ ...subject, recent: this.#recent, statistics })
  }

  sample(): Promise<Activity> {
    if (!this.#sampler) return Promise.reject(new Error('the observation was not opened'))
    return this.#sampler.sample()
  }

  /** When no sample is being taken: what is looked at may go. Idempotent. */
  async close(): Promise<void> {
    await this.#sampler?.idle()
    await this.#statistics?.close()
  }

  async #openStatistics({
    counted,
  }: Subject): Promise<TargetStatistics | { readonly missing: string }> {
    if (!this.#wanted.wantsCalls) return { missing: 'not counted' }
    return 'missing' in counted ? counted : openStatistics(counted)
  }
}
