/** The outcomes of system calls, in the order in which they are listed. Each is a row, and a file of its own. */
import type { Draws } from '../draw.ts'
import { type RuleBytes, ruleOffsets } from '../rule-layout.ts'
import { listNames } from '../words/lists.ts'
import type { CombinedOutcome } from './combined.ts'
import { type DelayOutcome, delay } from './delay.ts'
import { type DelayExitOutcome, delayExit } from './delay-exit.ts'
import { type ErrnoOutcome, errno } from './errno.ts'
import type { Injection, OutcomeKind } from './outcome.ts'
import { type ReturnOutcome, returns } from './return.ts'
import { type ShortOutcome, short } from './short.ts'
import { type SignalOutcome, signal } from './signal.ts'

export type SingleOutcome =
  | ErrnoOutcome
  | ReturnOutcome
  | DelayOutcome
  | DelayExitOutcome
  | SignalOutcome
  | ShortOutcome

/** What happens to a system call when its rule fires. */
export type Outcome = SingleOutcome | CombinedOutcome<SingleOutcome>

const table: {
  readonly [K in SingleOutcome['kind']]: OutcomeKind<Extract<SingleOutcome, { kind: K }>>
} = {
  errno,
  return: returns,
  delay,
  'delay-exit': delayExit,
  signal,
  short,
}

export const outcomeKinds: readonly OutcomeKind<SingleOutcome>[] = Object.values(table)

function kindOf({ kind }: SingleOutcome): OutcomeKind<SingleOutcome> {
  return table[kind]
}

/** In the order in which they happen. */
export function partsOf(outcome: Outcome): readonly SingleOutcome[] {
  return outcome.kind === 'combined' ? outcome.parts : [outcome]
}

/** What the call fails with, returns or moves; undefined if it runs as it is. */
export function callPart(outcome: Outcome): SingleOutcome | undefined {
  return partsOf(outcome).find((part) => kindOf(part).step === 'call')
}

function firstOf<T>(outcome: Outcome, find: (kind: OutcomeKind<SingleOutcome>) => T | undefined) {
  for (const part of partsOf(outcome)) {
    const found = find(kindOf(part))
    if (found !== undefined) return found
  }
  return undefined
}

/** Why this system call cannot have this outcome; undefined if it can. */
export function refusesOutcome(call: string, outcome: Outcome): string | undefined {
  for (const part of partsOf(outcome)) {
    const reason = kindOf(part).refuses(call, part)
    if (reason !== undefined) return reason
  }
  return undefined
}

/** As the command line has it. */
export function textOfOutcome(outcome: Outcome): string {
  return partsOf(outcome)
    .map((part) => kindOf(part).text(part))
    .join('+')
}

/** Completes a sentence about one call, or many: `fails with EIO (Input/output error) after a pause of 200 ms`. */
export function describeOutcome(outcome: Outcome, many: boolean): string {
  const parts = partsOf(outcome)
  const at = (step: OutcomeKind['step']) =>
    parts.flatMap((part) => (kindOf(part).step === step ? kindOf(part).describe(part, many) : []))
  const does = [...at('signal'), ...at('call'), ...at('exit')]
  // A signal alone says it all, and nothing else does of a call that runs.
  const runs = at('call').length + at('signal').length === 0 ? [many ? 'run' : 'runs'] : []
  const [first = '', ...others] = [...runs, ...does]
  return listNames([[first, ...at('enter')].join(' '), ...others], 'and')
}

/** What struct rule has of it. */
export function encodeOutcome(row: RuleBytes, outcome: Outcome): void {
  row.writeUInt32LE(firstOf(outcome, ({ number }) => number) ?? runs, ruleOffsets.outcome)
  for (const part of partsOf(outcome)) kindOf(part).encode(row, part)
}

/** OUTCOME_RUN of bpf/rule.h */
const runs = 3

/** What it is at one occurrence that fires. */
export function drawnOutcome(outcome: Outcome, draws: () => Draws): Outcome {
  const drawn = partsOf(outcome).map((part) => kindOf(part).drawn?.(part, draws()) ?? part)
  return outcome.kind === 'combined' ? { kind: 'combined', parts: drawn } : drawn[0]!
}

/** Why a BPF program at the entry of the call cannot do this; undefined if it can. */
export function notAtEntry(outcome: Outcome): string | undefined {
  return firstOf(outcome, (kind) => kind.notAtEntry)
}

/** Why a supervisor that seccomp notifies cannot do this. A call that it answers for returns when it says. */
export function notByNotification(outcome: Outcome): string | undefined {
  const call = callPart(outcome)
  const isAnswered = call?.kind === 'errno' || call?.kind === 'return'
  return firstOf(outcome, (kind) =>
    kind.step === 'exit' && isAnswered ? undefined : kind.notByNotification,
  )
}

/** If it matches those calls only that can have it: completes `5 calls, none …`. */
export function onlySome(outcome: Outcome): string | undefined {
  return firstOf(outcome, (kind) => kind.onlySome)
}

/** `an error (ENOENT or -2), ret:N, delay:50ms or signal:SIGKILL` */
export const allForms = listNames(
  outcomeKinds.map(({ syntax, forms }) =>
    forms.length > 1 ? `${syntax} (${listNames(forms, 'or')})` : forms.join(''),
  ),
  'or',
)

/** The actions of --inject, in the order of strace(1). */
export const injections: readonly (Injection<SingleOutcome> & Pick<OutcomeKind, 'step'>)[] = [
  errno,
  returns,
  signal,
  delay,
  delayExit,
].flatMap(({ inject, step }) => (inject ? { ...inject, step } : []))
