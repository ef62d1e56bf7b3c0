/** What the whole pipeline speaks: the faults a user asked for, parsed and checked, not yet tied to an engine. */
import type { CommonKeys, NetworkKeys, SyscallKeys } from './keys/index.ts'
import type { Outcome } from './outcomes/index.ts'

interface CommonRule extends CommonKeys {
  /** false: not what the targets start. Left out: true. */
  readonly inherit?: boolean
  /** The fault as the user wrote it, with its option (`--syscall openat=ENOENT`), for messages. */
  readonly source: string
  /** The rule alone, as a client of the control socket sends it. Only the faults of exec have it. */
  readonly given?: string | object
  /** Percent, 0 to 100, decimals allowed. */
  readonly rate: number
}

/** A system call that belongs to a family and is not faulted by the rule that names the family. */
export interface LeftOut {
  readonly name: string
  readonly reason: string
}

/** What one option asked for that takes several rules: an --inject counts each of its system calls by itself. */
export interface Expression {
  /** As written, without control characters. */
  readonly text: string
  /** Its set of system calls, as written. */
  readonly set: string
}

/** `--syscall SET=OUTCOME…`. What its keys say is declared in src/rules/keys/, as it is of all rules. */
export interface SyscallRule extends CommonRule, SyscallKeys {
  readonly kind: 'syscall'
  /** What the user wrote for SET: `open+openat`, `%file`. */
  readonly set: string
  /** The members of SET on this architecture that the rule acts on, sorted, without duplicates; never empty. */
  readonly syscalls: readonly string[]
  /** Members of SET's families that the rule cannot act on, and why: for `explain`. */
  readonly leftOut?: readonly LeftOut[]
  /** The same object in all rules of one --inject, which stand side by side. */
  readonly expression?: Expression
  readonly outcome: Outcome
}

/** `--drop-net RATE…` and `--refuse-net RATE…`. */
export interface NetworkRule extends CommonRule, NetworkKeys {
  readonly kind: 'drop-net' | 'refuse-net'
}

export type Rule = SyscallRule | NetworkRule

/** A rule's number in its session, given once and never again: draws, events, counts and the log go by it. */
export type Slot = number

/** What became of a rule; the meaning of each is in bpf/rule.h, struct rule_counts. */
export interface RuleCounts {
  readonly seen: bigint
  readonly matched: bigint
  readonly fired: bigint
  /** Calls that the rule names and never saw, since an earlier rule fired at them. */
  readonly taken: bigint
  /** Of those seen: an argument that a key compares could not be read, so the call did not match. */
  readonly unread: bigint
}

/** Of a rule that nothing has met yet. */
export const noCounts: RuleCounts = { seen: 0n, matched: 0n, fired: 0n, taken: 0n, unread: 0n }
