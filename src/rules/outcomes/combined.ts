/** Several outcomes of one call, joined by +: `delay:10ms+EIO`, `ret:0+signal:SIGTERM+delay-exit:5ms`. */
import { quote, type Span } from '../span.ts'
import type { Step } from './outcome.ts'

export interface CombinedOutcome<Single> {
  readonly kind: 'combined'
  /** Two or more, in the order of steps: one of each at most. */
  readonly parts: readonly Single[]
}

/** In the order in which they happen. */
const steps: readonly Step[] = ['enter', 'signal', 'call', 'exit']

const twice: { readonly [step in Step]: string } = {
  enter: 'a call has one pause before it: delay:20ms, or delay:10ms..50ms',
  signal: 'a call brings one signal',
  call: 'a call has one outcome of these: it fails, it returns a value, or it moves less',
  exit: 'a call has one pause before it returns: delay-exit:20ms, or delay-exit:10ms..50ms',
}

export interface Part<Single> {
  readonly outcome: Single
  readonly step: Step
  /** Where it stands. */
  readonly span: Span
}

/** @throws {MinderbinderError} where two say the same, or different things */
export function combine<Single>(parts: readonly Part<Single>[]): Single | CombinedOutcome<Single> {
  for (const [at, { step, span }] of parts.entries()) {
    const other = parts.slice(0, at).find((part) => part.step === step)
    if (other)
      throw span.error(
        'MB_FAULT_VALUE',
        `${quote(other.span.text)} and ${quote(span.text)} cannot be combined`,
        twice[step],
      )
  }
  if (parts.length === 1) return parts[0]!.outcome
  const inOrder = [...parts].sort((a, b) => steps.indexOf(a.step) - steps.indexOf(b.step))
  return { kind: 'combined', parts: inOrder.map(({ outcome }) => outcome) }
}

/** Written in another order than that in which they happen, pauses would mislead. */
export function checkOrder(parts: readonly Part<unknown>[]): void {
  for (const [at, { step, span }] of parts.entries()) {
    const others = parts.flatMap((part) => (part.span === span ? [] : part.span.text)).join('+')
    if (step === 'enter' && at > 0)
      throw span.error(
        'MB_FAULT_VALUE',
        `${quote(span.text)} is a pause before the call, but comes after ${quote(parts[at - 1]!.span.text)}`,
        `the delay comes first: ${span.text}+${others}; before the call returns it is delay-exit:`,
      )
    if (step === 'exit' && at < parts.length - 1)
      throw span.error(
        'MB_FAULT_VALUE',
        `${quote(span.text)} is a pause before the call returns, but comes before ${quote(parts[at + 1]!.span.text)}`,
        `it comes last: ${others}+${span.text}; before the call it is delay:`,
      )
  }
}
