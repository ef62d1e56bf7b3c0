/** What `run` and the graphs show, as of one moment: plain data, taken once and handed to every view. */
import type { RuleCounts } from '../rules/rule.ts'

/** A rule and what has become of it since the session began. */
export interface RuleActivity {
  readonly label: string
  /** What it does, in words. */
  readonly what: string
  readonly engine: string
  /** Why it has not fired so far, and a hint where one is known: lines. Empty once it has. */
  readonly silence: readonly string[]
  readonly counts: RuleCounts
}

/** A process that is a target now. */
export interface TargetActivity {
  /** Process id; 0 where our pid namespace does not see it. */
  readonly pid: number
  /** Its comm, printable. */
  readonly name: string
  /** Labels of the rules that are for it. */
  readonly rules: readonly string[]
}

/** Of all target processes together, since the session began. */
export interface CallActivity {
  /** System calls that returned something else than an error. */
  readonly succeeded: bigint
  /** System calls that failed, by us or by themselves. */
  readonly failed: bigint
  readonly contextSwitches: bigint
  /** Of these calls, each that was made; by name. */
  readonly byCall: readonly CallCounts[]
}

/** A system call, whether a rule names it or not. */
export interface CallCounts {
  /** `32-bit`: all calls of such programs, and x32's; `unknown`: without a number in our table. */
  readonly name: string
  readonly succeeded: bigint
  readonly failed: bigint
}

export interface Activity {
  /** Milliseconds of a clock that does not jump (src/kernel/monotonic.ts). */
  readonly atMs: number
  readonly rules: readonly RuleActivity[]
  /** Some of the targets, the youngest first; `targetCount` is how many there are. */
  readonly targets: readonly TargetActivity[]
  readonly targetCount: number
  /** undefined if nothing counts them. */
  readonly calls: CallActivity | undefined
  /** Why nothing counts them, for people. */
  readonly callsMissing?: string
  /** The last injections, one line each, the newest last. */
  readonly injections: readonly string[]
  readonly lostEvents: bigint
}
