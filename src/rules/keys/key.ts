/** What there is to say of one KEY=VALUE of a fault: a row of the table in index.ts. */

import type { RuleBytes } from '../rule-layout.ts'
import type { Span } from '../span.ts'

export type FaultKind = 'syscall' | 'drop-net' | 'refuse-net'

/** What a fault says beside its outcome and rate: the values of each key, and their places. */
export type Keys = ReadonlyMap<string, readonly [Span, ...Span[]]>

/** What the command line and a configuration file both know of a fault. */
export interface CommonParts {
  readonly kind: FaultKind
  /** Rule.source */
  readonly source: string
  /** What to call the rule if it has no name. */
  readonly written: string
  /** Percent. */
  readonly rate: number
  readonly keys: Keys
  /** What the user means by the value of path= or name=, where it stands for itself. */
  textOf(value: Span): string
}

export interface EncodeContext {
  /** if_nametoindex(3); throws MB_INTERFACE. */
  readonly interfaceIndex: (name: string) => number
}

/** `F` is what a rule has of it. */
export interface Key<F extends object> {
  readonly name: string
  /** The faults that it does something for: --help and the completions offer it there. */
  readonly faults: readonly FaultKind[]
  /** Whether it says which calls or packets are meant, and not which of them fail. */
  readonly narrows: boolean
  /** KEY=VALUE, for --help. */
  readonly brief: string
  /** If it may be there several times: any of its values is meant. In files, it may be a list. */
  readonly several?: true
  /** Every value, if they are few. */
  readonly values?: readonly string[]
  /** Its field in configuration files; absent if a file says the same in another way. */
  readonly field?: Field

  /**
   * Its part of the rule.
   *
   * @param value undefined if the fault does not have the key
   * @param others of a key that is there several times
   */
  read(value: Span | undefined, parts: CommonParts, others: readonly Span[]): Partial<F>
  /** Writes it into struct rule. */
  encode?(row: RuleBytes, rule: F, context: EncodeContext): void
  /** Why a rule with this key cannot name this system call, and what to do instead; undefined if it can. */
  refuses?(call: string): { readonly reason: string; readonly hint?: string } | undefined
  /** Completes `calls with …`: `descriptor 3`; undefined if the rule does not have the key. */
  describe?(rule: F): string | undefined
  /** Its value as a user writes it, of a key that decides between seen and matched; undefined likewise. */
  written?(rule: F): string | undefined
  /** Whether what the later rule's key lets through, the earlier one's does, too; absent: it always does. */
  covers?(earlier: F, later: F): boolean
}

/** What a configuration file may hold for a key, in the words of its schema. */
export interface Field {
  readonly type: 'number' | 'text' | 'number or text'
  /** Completes `KEY must be …`. */
  readonly is: string
  /** For editors, which show it at the key. */
  readonly about: string
  readonly examples?: readonly (string | number | readonly (string | number)[])[]
}

export const everyFault: readonly FaultKind[] = ['syscall', 'drop-net', 'refuse-net']
