/** What there is to say of one kind of outcome: a row of the table in index.ts. */
import type { Draws } from '../draw.ts'
import type { RuleBytes } from '../rule-layout.ts'
import type { Span } from '../span.ts'

/** When it happens: before the call, at it, in its place, or before it returns. One of each can be combined. */
export type Step = 'enter' | 'signal' | 'call' | 'exit'

export interface OutcomeKind<O extends { readonly kind: string } = { readonly kind: string }> {
  readonly kind: O['kind']
  readonly step: Step
  /** If it says what becomes of the call: its number in enum outcome, bpf/rule.h. Under the others it runs. */
  readonly number?: number
  /** What stands before the colon. Errors have none. */
  readonly verb?: string
  /** What other tools call the verb. */
  readonly otherVerbs?: readonly string[]
  /** As a rule has it, for hints; `forms` are all ways to write it. */
  readonly example: string
  readonly forms: readonly string[]
  /** With a word for its value: `ret:N`. */
  readonly syntax: string
  /** One line of --help: a form and what it does. */
  readonly brief: string
  /** What calls do under it, for the description of the configuration file: `wait`. */
  readonly gist: string
  /** The same in strace's --inject. */
  readonly inject?: Injection<O>
  /** Why a BPF program at the entry of the call, which can only answer for it, cannot do this. */
  readonly notAtEntry?: string
  /** Why a supervisor that seccomp notifies of the call, and that answers for it or lets it run, cannot do this. */
  readonly notByNotification?: string
  /** If it matches those calls only that can have it: completes `5 calls, none …`. */
  readonly onlySome?: string

  /**
   * @param value what follows the colon
   * @param all every outcome in its forms, for a hint
   */
  parse(value: Span, all: string): O
  /** As the command line has it. */
  text(outcome: O): string
  /** Completes a sentence about one call, or many: `fails with ENOENT (No such file or directory)`; of the step `enter`, how it does. */
  describe(outcome: O, many: boolean): string
  /** Writes what struct rule has of it: bpf/rule.h says what that means. */
  encode(row: RuleBytes, outcome: O): void
  /** Why this system call cannot have it, or, without `outcome`, none of the kind; undefined if it can. */
  refuses(call: string, outcome?: O): string | undefined
  /** Which it is at an occurrence that fires, if that is drawn; absent: always the same. */
  drawn?(outcome: O, draw: Draws): O
}

/** An action of strace's inject= expressions. */
export interface Injection<O> {
  readonly action: string
  /** An action with its value. */
  readonly example: string
  parse(value: Span, all: string): O
}
