/** A machine session that goes on while its rules may be replaced, and that can be looked at. */
import { engineNames } from '../engines/choose.ts'
import type { Engine } from '../engines/engine.ts'
import type { EngineTotals } from '../engines/totals.ts'
import { INJECTIONS_SHOWN } from '../observe/activity.ts'
import { RecentEvents } from '../observe/recent-events.ts'
import { Sampler } from '../observe/sampler.ts'
import { openStatistics, TargetStatistics } from '../observe/target-statistics.ts'
import { targetsOf } from '../observe/targets-shown.ts'
import type { Activity } from '../report/activity.ts'
import type { Rule } from '../rules/rule.ts'
import { MachineSession } from './machine-session.ts'

/** The rules of one reading of the files. */
export interface WatchRules {
  /** Each with targets. */
  readonly rules: readonly Rule[]
  readonly engines: ReadonlyMap<Engine, readonly number[]>
}

export interface WatchSettings {
  readonly seed: bigint
  readonly includeLoader: boolean
  readonly includeSetuid: boolean
  /** Somebody shows the last injections. */
  readonly wantsInjections: boolean
  /** Somebody shows what targets call: this costs each system call of the machine some time. */
  readonly wantsCalls: boolean
  /** Makes a listener to the injections of these rules; undefined: nobody listens. */
  readonly listener: ((rules: readonly Rule[]) => (event: Buffer) => void) | undefined
  /** Hears what people should know while it goes on, one line each. */
  readonly onNotice: (text: string) => void
}

/** One session and what looks at it. */
interface Sight {
  readonly given: WatchRules
  readonly session: MachineSession
  readonly statistics: TargetStatistics | { readonly missing: string }
  readonly sampler: Sampler
}

export class Watch {
  readonly #settings: WatchSettings
  #sight: Sight

  private constructor(settings: WatchSettings, sight: Sight) {
    this.#settings = settings
    this.#sight = sight
  }

  /** @throws {MinderbinderError} what keeps a rule from being honoured; then nothing is left */
  static async open(given: WatchRules, settings: WatchSettings): Promise<Watch> {
    const sight = await open(given, settings)
    sight.session.enforce()
    return new Watch(settings, sight)
  }

  /** What is being done now. */
  get rules(): readonly Rule[] {
    return this.#sight.given.rules
  }

  /**
   * Other rules, with counts of their own. They take over at one moment: nothing is decided by both, nor by neither.
   *
   * @returns what the rules before have done
   * @throws {MinderbinderError} what keeps a rule from being honoured; then everything goes on as before
   */
  async replace(given: WatchRules): Promise<WatchReport> {
    const before = this.#sight
    const next = await open(given, this.#settings, before.session)
    next.session.enforce()
    this.#sight = next
    return end(before)
  }

  sample(): Promise<Activity> {
    return this.#sight.sampler.sample()
  }

  /** Lifts everything. */
  close(): Promise<WatchReport> {
    return end(this.#sight)
  }
}

/** What some rules have done. */
export interface WatchReport {
  readonly rules: readonly Rule[]
  /** Name of the engine of each rule. */
  readonly engines: readonly string[]
  readonly totals: EngineTotals
}

async function open(
  given: WatchRules,
  settings: WatchSettings,
  before?: MachineSession,
): Promise<Sight> {
  const { rules, engines } = given
  const { seed, includeLoader, includeSetuid, onNotice } = settings
  const recent = settings.wantsInjections ? new RecentEvents(INJECTIONS_SHOWN) : undefined
  const listen = settings.listener?.(rules)
  const onEvent =
    recent || listen
      ? (event: Buffer) => {
          recent?.add(event)
          listen?.(event)
        }
      : undefined
  const plan = { rules, seed, engines, includeLoader, includeSetuid, onEvent, onNotice }
  const session = await MachineSession.open(plan, before)
  const statistics = await statisticsOf(session, settings)
  const sampler = new Sampler({
    ...{ rules, seed, engines: engineNames(engines), recent, statistics },
    totals: () => session.totals(),
    targets: targetsOf(session.table, rules),
  })
  return { given, session, statistics, sampler }
}

async function statisticsOf(
  session: MachineSession,
  { wantsCalls }: WatchSettings,
): Promise<Sight['statistics']> {
  if (!wantsCalls) return { missing: 'not counted' }
  try {
    return await openStatistics({ targets: session.table.map })
  } catch (error) {
    await session.close().catch(() => {}) // what went wrong first is what the user must hear of
    throw error
  }
}

async function end({ given, session, statistics, sampler }: Sight): Promise<WatchReport> {
  await session.lift()
  await sampler.idle()
  if (statistics instanceof TargetStatistics) await statistics.close()
  const totals = await session.close()
  return { rules: given.rules, engines: engineNames(given.engines), totals }
}
