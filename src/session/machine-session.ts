/** Faults for processes wherever they are on the machine, by rules that may be replaced. */
import type { Engine } from '../engines/engine.ts'
import type { Wanted } from '../observe/observer.ts'
import type { Activity } from '../report/activity.ts'
import type { Rule } from '../rules/rule.ts'
import { MachineRules } from './machine-rules.ts'
import { OneAtATime } from './one-at-a-time.ts'
import type { Change, Changed, Session, SessionSnapshot } from './session.ts'

/** Replaces all rules at once: those of one reading of the files by those of another. */
export interface MachineChange extends Change {
  /** Each with targets. Their slots are their indices, as those of the first rules are. */
  readonly add: readonly Rule[]
  readonly remove: 'all'
  /** Which engine does which of them, by index. None of them is seccomp, which needs a command. */
  readonly engines: ReadonlyMap<Engine, readonly number[]>
}

export interface MachineChanged extends Changed {
  /** What the rules before have done; missing if that cannot be known any more. */
  readonly before?: SessionSnapshot | undefined
}

/** What stays the same for all rules of a session. */
export interface MachineSettings {
  readonly seed: bigint
  readonly includeLoader: boolean
  readonly includeSetuid: boolean
  /** What sample() has to show. */
  readonly watched: Wanted
  /** Makes a listener to the injections of these rules. */
  readonly listener?: ((rules: readonly Rule[]) => (event: Buffer) => void) | undefined
  /** Receives what people should know while the session lasts, one line each. */
  readonly onNotice: (text: string) => void
}

export class MachineSession implements Session<MachineChange> {
  readonly #settings: MachineSettings
  #rules: MachineRules
  /** Changes, from their beginning to their end. */
  readonly #changes = new OneAtATime()
  /** Looks at the rules, and the moments in which others take over. */
  readonly #looks = new OneAtATime()
  #closed: Promise<SessionSnapshot> | undefined

  private constructor(settings: MachineSettings, rules: MachineRules) {
    this.#settings = settings
    this.#rules = rules
  }

  /** @throws {MinderbinderError} why a rule cannot be applied; then nothing is left */
  static async open(
    given: Pick<MachineChange, 'add' | 'engines'>,
    settings: MachineSettings,
  ): Promise<MachineSession> {
    const rules = await MachineRules.prepare(planOf(given, settings))
    await rules.commit()
    return new MachineSession(settings, rules)
  }

  get rules(): readonly Rule[] {
    return this.#rules.rules
  }

  async start(): Promise<void> {
    this.#rules.enforce()
  }

  /** Counts from 0 again. The new rules take over at one moment: each call is decided by exactly one set. */
  change(change: MachineChange): Promise<MachineChanged> {
    return this.#changes.next(async () => {
      if (this.#closed) throw new Error('the session is closed')
      const before = this.#rules
      const next = await MachineRules.prepare(planOf(change, this.#settings), before)
      return this.#looks.next(async () => {
        await enforced(next)
        this.#rules = next
        return { slots: [...change.add.keys()], ...(await next.commit(before)) }
      })
    })
  }

  sample(): Promise<Activity> {
    return this.#looks.next(() => this.#rules.sample())
  }

  snapshot(): Promise<SessionSnapshot> {
    return this.#closed ?? this.#looks.next(() => this.#rules.snapshot())
  }

  async lift(): Promise<void> {
    if (!this.#closed) await this.#rules.lift()
  }

  close(): Promise<SessionSnapshot> {
    this.#closed ??= this.#changes.next(() => this.#looks.next(() => this.#rules.close()))
    return this.#closed
  }
}

async function enforced(rules: MachineRules): Promise<void> {
  try {
    rules.enforce()
  } catch (error) {
    await rules.abandon().catch(() => {})
    throw error
  }
}

function planOf(
  { add, engines }: Pick<MachineChange, 'add' | 'engines'>,
  { listener, ...settings }: MachineSettings,
) {
  return { ...settings, rules: add, engines, onEvent: listener?.(add) }
}
