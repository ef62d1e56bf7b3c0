/** The call runs, or fails, after a pause: `delay:50ms`, `delay:10ms..50ms`, `delay:200ms+EIO`. */
import { type Draws, drawnBelow } from '../draw.ts'
import { neverReturns } from '../faultable.ts'
import { type RuleBytes, ruleOffsets } from '../rule-layout.ts'
import { quote, type Span } from '../span.ts'
import { parseDuration } from '../values.ts'
import { durationText, durationWords } from '../words/durations.ts'
import {
  describeErrors,
  drawnError,
  type ErrnoOutcome,
  encodeErrors,
  errorsText,
  parseErrors,
} from './errno.ts'
import type { OutcomeKind } from './outcome.ts'

export interface DelayOutcome {
  readonly kind: 'delay'
  readonly ns: bigint
  /** Drawn between ns and this, each as likely. */
  readonly toNs?: bigint
  /** Instead of running, the call fails after the pause. */
  readonly fails?: ErrnoOutcome
}

export const delay: OutcomeKind<DelayOutcome> = {
  kind: 'delay',
  number: 3,
  verb: 'delay',
  otherVerbs: ['delay_enter', 'sleep'],
  example: 'delay:50ms',
  forms: ['delay:50ms'],
  syntax: 'delay:DURATION[..DURATION][+ERROR]',
  brief: 'delay:50ms[..90ms][+EIO]: waits',
  gist: 'wait',
  inject: {
    action: 'delay_enter',
    example: 'delay_enter=50ms',
    // strace(1), "Time specification format description"
    parse: (value) => ({
      kind: 'delay',
      ns: parseDuration(value, { zeroAllowed: false, defaultUnit: 'us' }),
    }),
  },
  notAtEntry: 'a program at the entry of a call cannot wait',
  parse: parseDelay,
  text: (outcome) => {
    const { ns, toNs, fails } = outcome
    const range = toNs === undefined ? '' : `..${durationText(toNs)}`
    return `delay:${durationText(ns)}${range}${fails ? `+${errorsText(fails)}` : ''}`
  },
  describe,
  encode: encodeDelay,
  refuses: (call, outcome) => (outcome?.fails ? neverReturns(call) : undefined),
  drawn: ({ ns, toNs = ns, fails }, draws: Draws) => ({
    kind: 'delay',
    ns: ns + drawnBelow(toNs - ns + 1n, draws.delay),
    ...(fails && { fails: drawnError(fails, draws) }),
  }),
}

function parseDelay(value: Span, all: string): DelayOutcome {
  const [pause, error] = value.cut('+') ?? [value, undefined]
  return {
    kind: 'delay',
    ...parsePause(pause),
    ...(error && { fails: parseErrorAfter(error, all) }),
  }
}

function parsePause(span: Span): Pick<DelayOutcome, 'ns' | 'toNs'> {
  const [low, high] = span.cut('..') ?? [span, undefined]
  if (!high) return { ns: parseDuration(low, { zeroAllowed: false }) }
  const ns = parseDuration(low, { zeroAllowed: true })
  const toNs = parseDuration(high, { zeroAllowed: false })
  if (toNs < ns)
    throw span.error(
      'MB_FAULT_VALUE',
      `the longest pause, ${durationText(toNs)}, is shorter than the shortest, ${durationText(ns)}`,
    )
  return toNs === ns ? { ns } : { ns, toNs }
}

function parseErrorAfter(span: Span, all: string): ErrnoOutcome {
  if (span.length === 0)
    throw span.error('MB_FAULT_SYNTAX', 'the error is missing', 'such as delay:200ms+EIO')
  if (/^[a-z_]+:/.test(span.text))
    throw span.error(
      'MB_FAULT_VALUE',
      `${quote(span.text)} cannot follow a delay`,
      'after a delay a call runs, or fails with an error: delay:200ms+EIO',
    )
  return parseErrors(span, all)
}

function describe({ ns, toNs, fails }: DelayOutcome, many: boolean): string {
  const pause =
    toNs === undefined
      ? `of ${durationWords(ns)}`
      : `drawn from ${durationWords(ns)} to ${durationWords(toNs)}`
  const verb = fails
    ? `fail${many ? '' : 's'} with ${describeErrors(fails)}`
    : `run${many ? '' : 's'}`
  return `${verb} after a pause ${pause}`
}

function encodeDelay(row: RuleBytes, { ns, toNs = ns, fails }: DelayOutcome): void {
  row.writeBigInt64LE(ns, ruleOffsets.value)
  row.writeBigUInt64LE(toNs - ns, ruleOffsets.spread)
  if (fails) encodeErrors(row, fails)
}
