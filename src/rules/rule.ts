/** What the whole pipeline speaks: the faults a user asked for, parsed and checked, not yet tied to an engine. */
import type { Outcome } from './outcomes/index.ts'

/** Which occurrences of a matching call are eligible: first, first+step, … up to last (1-based, inclusive). */
export interface When {
  readonly first: number
  /** Infinity where the expression has no upper end. */
  readonly last: number
  readonly step: number
}

/**
 * Which processes a rule is for. A name is compared with a process's comm, the base name of its argv[0], of its
 * executable and, for a script, of the script, as they are when it execs.
 */
export type Target =
  /** A glob where it has one of `*?[`, else to the letter. 1 to 255 bytes. */
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'pid'; readonly pid: number }
  /** Real user id. */
  | { readonly kind: 'uid'; readonly uid: number }
  /** Path below the root of the cgroup v2 hierarchy, with a slash in front; all below it too. */
  | { readonly kind: 'cgroup'; readonly path: string }

/** What the keys say that every fault has: src/rules/keys/. */
export interface CommonKeys {
  /**
   * `name=LABEL`, or the fault as it was written: what the summary and the log call this rule. Without control
   * characters.
   */
  readonly label: string
  /** Nanoseconds; 0 where there is no `after=`. */
  readonly afterNs: bigint
  readonly when: When
  /** Fires at most this often; 0 where there is no limit. */
  readonly times: number
}

interface CommonRule extends CommonKeys {
  /** Any of these, and what they start; left out: every process of the tree (exec only). Never empty. */
  readonly targets?: readonly Target[]
  /** false: not what the targets start. Left out: true. */
  readonly inherit?: boolean
  /** The fault as the user wrote it, with its option (`--syscall openat=ENOENT`), for messages. */
  readonly source: string
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

/** What the keys of system calls say. */
export interface SyscallKeys {
  readonly scope: 'tree' | 'process'
  /** Glob over the path arguments as the program passes them. */
  readonly path?: string
  readonly fd?: number
}

/** `--syscall SET=OUTCOME…`. */
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

/** An address block: `10.0.0.0/8`, `::1/128`. */
export interface Cidr {
  readonly family: 4 | 6
  /** 4 or 16 bytes, network byte order. */
  readonly address: readonly number[]
  readonly prefix: number
}

/** What the keys of the network say. */
export interface NetworkKeys {
  readonly protocol?: 'tcp' | 'udp' | 'icmp'
  /** Remote port, inclusive range. */
  readonly port?: { readonly low: number; readonly high: number }
  readonly to?: Cidr
  readonly direction: 'out' | 'in'
  /** Interface name; every interface, loopback included, where left out. */
  readonly interface?: string
}

/** `--drop-net RATE…` and `--refuse-net RATE…`. */
export interface NetworkRule extends CommonRule, NetworkKeys {
  readonly kind: 'drop-net' | 'refuse-net'
}

export type Rule = SyscallRule | NetworkRule

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

/** System call numbers differ by architecture: both that the launcher is built for. */
export type Architecture = 'x86_64' | 'arm64'
