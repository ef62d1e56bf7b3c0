/** What both kinds of session are: a command's, and the machine's. */
import type { EngineName } from '../engines/engine.ts'
import type { EngineTotals } from '../engines/totals.ts'
import type { Activity } from '../report/activity.ts'
import type { Rule } from '../rules/rule.ts'

/** What some rules have done up to one moment. */
export interface SessionSnapshot extends EngineTotals {
  readonly rules: readonly Rule[]
  /** Which engine did each rule. */
  readonly engines: readonly EngineName[]
}

/** Rules in force, from open() until lift() or close(). */
export interface Session {
  /** Those in force now. */
  readonly rules: readonly Rule[]
  /** What goes on at this moment, for those that look on: one sample after the other. */
  sample(): Promise<Activity>
  /** As of now; what was last, once closed. */
  snapshot(): Promise<SessionSnapshot>
  /** From here on nothing is faulted. Idempotent. */
  lift(): Promise<void>
  /** Lifts what is not lifted yet, and undoes everything, whatever goes wrong on the way. Idempotent. */
  close(): Promise<SessionSnapshot>
}
