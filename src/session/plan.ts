import type { Engine, EngineName } from '../engines/engine.ts'
import type { EngineTotals } from '../engines/totals.ts'
import type { ChildEnd, UserIds } from '../launch/launcher.ts'
import type { Activity } from '../report/activity.ts'
import type { Rule } from '../rules/rule.ts'

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
  /** Programs that run with more rights than those who start them are faulted, too. */
  readonly includeSetuid: boolean
  /** Receives each injection as the bytes of a struct event; undefined: nobody wants them. */
  readonly onEvent: ((event: Buffer) => void) | undefined
  readonly observer: Observer | undefined
}

/** Looks on while the child runs. */
export interface Observer {
  /** Shows injections, and wants their events. */
  readonly wantsInjections: boolean
  /**
   * Called before the child execs; what it throws keeps the child from that. `sample` tells what is going on at that
   * moment, until the returned function has ended, which is called when the child has ended, or the session failed.
   */
  start(sample: () => Promise<Activity>): Promise<() => Promise<void>>
}

/** What became of it. */
export interface SessionResult extends EngineTotals {
  /** When the command started, and how long it ran. */
  readonly startedAt: Date
  readonly durationMs: number
  readonly end: ChildEnd
  /** Which engine did each rule. */
  readonly engines: readonly EngineName[]
}
