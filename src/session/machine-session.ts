/** Faults for processes wherever they are on the machine, by rules that may be replaced. */
import type { Engine } from '../engines/engine.ts'
import type { Wanted } from '../observe/observer.ts'
import type { Activity } from '../report/activity.ts'
import type { Rule } from '../rules/rule.ts'
import { MachineFaults } from './machine-faults.ts'
import type { Session, SessionSnapshot } from './session.ts'

/** The rules of one reading of the files. */
export interface MachineRules {
  /** Each with targets. */
  readonly rules: readonly Rule[]
  /** Which engine does which rules, by index. None of them is seccomp, which needs a command. */
  readonly engines: ReadonlyMap<Engine, readonly number[]>
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
  /** Hears what people should know while it goes on, one line each. */
  readonly onNotice: (text: string) => void
}

export class MachineSession implements Session {
  readonly #settings: MachineSettings
  #faults: MachineFaults

  private constructor(settings: MachineSettings, faults: MachineFaults) {
    this.#settings = settings
    this.#faults = faults
  }

  /** The rules are in force. @throws {MinderbinderError} what keeps one from being honoured; then nothing is left */
  static async open(given: MachineRules, settings: MachineSettings): Promise<MachineSession> {
    const faults = await MachineFaults.open(planOf(given, settings))
    faults.enforce()
    return new MachineSession(settings, faults)
  }

  get rules(): readonly Rule[] {
    return this.#faults.plan.rules
  }

  /**
   * Replaces all rules, with counts from 0. The new ones take over at one moment: nothing is decided by both sets, nor
   * by neither.
   *
   * @returns what the rules before have done
   * @throws {MinderbinderError} what keeps a rule from being honoured; then everything goes on as before
   */
  async change(given: MachineRules): Promise<SessionSnapshot> {
    const before = this.#faults
    const next = await MachineFaults.open(planOf(given, this.#settings), before)
    next.enforce()
    this.#faults = next
    return before.close()
  }

  sample(): Promise<Activity> {
    return this.#faults.sample()
  }

  snapshot(): Promise<SessionSnapshot> {
    return this.#faults.snapshot()
  }

  lift(): Promise<void> {
    return this.#faults.lift()
  }

  close(): Promise<SessionSnapshot> {
    return this.#faults.close()
  }
}

function planOf({ rules, engines }: MachineRules, { listener, ...settings }: MachineSettings) {
  return { ...settings, rules, engines, onEvent: listener?.(rules) }
}
