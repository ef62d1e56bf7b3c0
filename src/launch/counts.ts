/** What the supervisor counts (struct wire_counts of src/launcher/shared/wire.h). */
import type { RuleCounts } from '../rules/rule.ts'

export interface SupervisorCounts {
  /** Of every rule of the plan. */
  readonly rules: readonly RuleCounts[]
  readonly lostEvents: bigint
  /** Calls of 32-bit programs: let pass, since the rules name native numbers. */
  readonly foreignCalls: bigint
  /** Calls that a signal interrupted before the supervisor had received them. */
  readonly interruptedCalls: bigint
  /** Signals of rules that the kernel did not take. */
  readonly unsentSignals: bigint
  /** Calls that rules name, of programs with more rights than the command's user: let pass. */
  readonly sparedCalls: bigint
  /** Programs that could not be told from their dynamic loader. */
  readonly unreadLoaders: bigint
  /** By rule index: paths that came near a rule's path= and did not match. */
  readonly nearPaths: ReadonlyMap<number, readonly string[]>
}
