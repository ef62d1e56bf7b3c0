/** The outcomes of system calls, in the order in which they are listed. Each is a row, and a file of its own. */
import type { Draws } from '../draw.ts'
import { listNames } from '../words/lists.ts'
import { type DelayOutcome, delay } from './delay.ts'
import { type ErrnoOutcome, errno } from './errno.ts'
import type { Injection, OutcomeKind } from './outcome.ts'
import { type ReturnOutcome, returns } from './return.ts'
import { type ShortOutcome, short } from './short.ts'
import { type SignalOutcome, signal } from './signal.ts'

/** What happens to a system call when its rule fires. */
export type Outcome = ErrnoOutcome | ReturnOutcome | DelayOutcome | SignalOutcome | ShortOutcome

const table: { readonly [K in Outcome['kind']]: OutcomeKind<Extract<Outcome, { kind: K }>> } = {
  errno,
  return: returns,
  delay,
  signal,
  short,
}

export const outcomeKinds: readonly OutcomeKind<Outcome>[] = Object.values(table)

export function kindOf({ kind }: Outcome): OutcomeKind<Outcome> {
  return table[kind]
}

/** Why this system call cannot have this outcome; undefined if it can. */
export function refusesOutcome(call: string, outcome: Outcome): string | undefined {
  return kindOf(outcome).refuses(call, outcome)
}

/** What it is at one occurrence that fires. */
export function drawnOutcome(outcome: Outcome, draws: () => Draws): Outcome {
  return kindOf(outcome).drawn?.(outcome, draws()) ?? outcome
}

/** `an error (ENOENT or -2), ret:N, delay:50ms or signal:SIGKILL` */
export const allForms = listNames(
  outcomeKinds.map(({ syntax, forms }) =>
    forms.length > 1 ? `${syntax} (${listNames(forms, 'or')})` : forms.join(''),
  ),
  'or',
)

/** The actions of --inject, in the order of strace(1). */
export const injections: readonly Injection<Outcome>[] = [errno, returns, signal, delay].flatMap(
  ({ inject }) => inject ?? [],
)
