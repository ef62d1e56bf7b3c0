import type { Engine, EngineName } from '../engines/engine.ts'
import type { Rule, RuleCounts } from '../rules/rule.ts'
import type { ChildEnd, UserIds } from './launcher.ts'

/** What a session is to do, decided before anything is touched. */
export interface Plan {
  readonly rules: readonly Rule[]
  readonly seed: bigint
  /** Which engine does which rules, by index. */
  readonly engines: ReadonlyMap<Engine, readonly number[]>
  /**
   * Who takes over an engine's rules where it does not attach: one that `engines` names later or not at all.
   * undefined: that is an error.
   */
  readonly engineInstead?: (failed: Engine, indices: readonly number[]) => Engine | undefined
  /** Place of COMMAND among the user's arguments, from 0. */
  readonly argvIndex: number
  /** COMMAND, for messages. */
  readonly command: string
  readonly user: UserIds | undefined
  readonly includeLoader: boolean
  /** Receives each injection as the bytes of a struct event; undefined: nobody wants them. */
  readonly onEvent: ((event: Buffer) => void) | undefined
}

/** What became of it. */
export interface SessionResult {
  readonly end: ChildEnd
  /** One for each rule of the plan. */
  readonly counts: readonly RuleCounts[]
  /** Which engine did each rule. */
  readonly engines: readonly EngineName[]
  readonly lostEvents: bigint
  readonly foreignCalls: bigint
  /** What the engines have to say besides. */
  readonly notes: readonly string[]
}
