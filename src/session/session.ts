/** What both kinds of session are: a command's, and the machine's. */
import type { EngineName } from '../engines/engine.ts'
import type { EngineTotals } from '../engines/totals.ts'
import type { Activity } from '../report/activity.ts'
import type { Rule, Slot } from '../rules/rule.ts'
import type { Life } from '../rules/rule-table.ts'

/** What some rules have done up to one moment. */
export interface SessionSnapshot extends EngineTotals {
  /** By slot: those that were removed, too. */
  readonly rules: readonly Rule[]
  /** When each was in force; absent: all of them, all the time. */
  readonly lives?: readonly Life[]
  /** Which engine did each rule. */
  readonly engines: readonly EngineName[]
}

/** A change of the rules, all at once. */
export interface Change {
  readonly add: readonly Rule[]
  /** Slots of rules in force, or all that are. */
  readonly remove: readonly Slot[] | 'all'
}

/** A change that is in force. */
export interface Changed {
  /** Of the rules that were added. */
  readonly slots: readonly Slot[]
  /** What went wrong with the rules before, if anything; the change is in force all the same. */
  readonly failure?: unknown
}

/** From open(), when everything is ready and nothing is in force, until close(). */
export interface Session<OwnChange extends Change = Change> {
  /** Those in force now. */
  readonly rules: readonly Rule[]
  /** From here on the rules are in force: for a command, from its first instruction on. @throws {MinderbinderError} */
  start(): Promise<void>
  /**
   * Other rules. Each engine prepares them, and when all have, they take effect: no call is decided by half of a
   * change.
   *
   * @throws {MinderbinderError} what one engine refuses: then everything is as it was
   */
  change(change: OwnChange): Promise<Changed>
  /** What goes on at this moment, for graphs and metrics: one sample after the other. */
  sample(): Promise<Activity>
  /** As of now; after close(), as it was last. */
  snapshot(): Promise<SessionSnapshot>
  /** Faults nothing from here on. Idempotent. */
  lift(): Promise<void>
  /** Lifts what is not lifted yet, and undoes everything, whatever goes wrong on the way. Idempotent. */
  close(): Promise<SessionSnapshot>
}
