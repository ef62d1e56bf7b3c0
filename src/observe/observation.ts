/** Looks at one set of rules in force, of a command or on the machine: its counts, processes and last injections. */
import { listInterfaces } from '../kernel/network/interfaces.ts'
import type { Activity } from '../report/activity.ts'
import { Shared } from '../shared.ts'
import type { Wanted } from './observer.ts'
import { RecentEvents } from './recent-events.ts'
import { Sampler, type SampleSource } from './sampler.ts'
import { type Counted, openStatistics, TargetStatistics } from './target-statistics.ts'

/** As many as a tall terminal shows. */
const INJECTIONS_SHOWN = 40

/** What is looked at. */
export interface Subject extends Pick<SampleSource, 'seed' | 'now' | 'targets'> {
  /** A packet may be hit, at an interface. */
  readonly namesInterfaces: boolean
  /** How statistics tell targets from other processes, or why they cannot. */
  readonly counted: Counted | { readonly missing: string }
}

export class Observation {
  readonly #wanted: Wanted
  readonly #recent: RecentEvents | undefined
  #statistics: Shared<TargetStatistics> | undefined
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

  /**
   * From here on it can be asked.
   *
   * @param before of the rules before, which counts the same processes: its statistics go on
   */
  async open(subject: Subject, before?: Observation): Promise<void> {
    if (before) this.#statistics = before.#statistics?.join()
    const statistics = this.#statistics?.value ?? (await this.#openStatistics(subject))
    if (statistics instanceof TargetStatistics)
      this.#statistics ??= new Shared(statistics, (each) => each.close())
    // So that an injection can be told with its interface's name.
    if (this.#recent && subject.namesInterfaces) await listInterfaces()
    this.#sampler = new Sampler({ ...subject, recent: this.#recent, statistics })
  }

  sample(): Promise<Activity> {
    if (!this.#sampler) return Promise.reject(new Error('the observation was not opened'))
    return this.#sampler.sample()
  }

  /** When no sample is being taken: what is looked at may go. Idempotent. */
  async close(): Promise<void> {
    await this.#sampler?.idle()
    await this.#statistics?.leave()
    this.#statistics = undefined
  }

  async #openStatistics({
    counted,
  }: Subject): Promise<TargetStatistics | { readonly missing: string }> {
    if (!this.#wanted.wantsCalls) return { missing: 'not counted' }
    return 'missing' in counted ? counted : openStatistics(counted)
  }
}
