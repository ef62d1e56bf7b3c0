/** The call fails with an error, and is not run: `ENOENT`, `-2`, or one of several: `EIO|EINTR`. */
import { type Draws, drawnBelow } from '../draw.ts'
import { neverReturns } from '../faultable.ts'
import { errnoByName, errnoMax, errnoName, errnoNames } from '../names/errnos.ts'
import { signalByName, signalName } from '../names/signals.ts'
import { nearest } from '../names/suggest.ts'
import { otherOutcomeHint } from '../other-words.ts'
import { type RuleBytes, ruleOffsets } from '../rule-layout.ts'
import { quote, type Span } from '../span.ts'
import { parseInteger } from '../values.ts'
import { listNames } from '../words/lists.ts'
import type { OutcomeKind } from './outcome.ts'

interface NamedErrno {
  readonly name: string
  readonly errno: number
}

export interface ErrnoOutcome extends NamedErrno {
  readonly kind: 'errno'
  /** What else it may be, each as likely as the first. */
  readonly others?: readonly NamedErrno[]
}

/** RULE_ERRORS_MAX in bpf/rule.h. */
const mostErrors = 8

export const errno: OutcomeKind<ErrnoOutcome> = {
  kind: 'errno',
  step: 'call',
  number: 1,
  example: 'ENOENT',
  forms: ['ENOENT', '-2', 'EIO|EINTR'],
  syntax: 'an error',
  brief: 'ENOENT, -2, EIO|EINTR: fails',
  gist: 'fail',
  inject: {
    action: 'error',
    example: 'error=ENOENT',
    parse: (value, all) =>
      /^\d+$/.test(value.text)
        ? ofNumber(parseInteger(value, 'the error', 1, errnoMax))
        : parseErrorName(value, all),
  },
  parse: parseErrors,
  text: (outcome) => errorsText(outcome),
  describe: (outcome, many) => `${many ? 'fail' : 'fails'} with ${describeErrors(outcome)}`,
  encode: encodeErrors,
  refuses: neverReturns,
  drawn: drawnError,
}

/** One error, or some: `EIO|EINTR`. One that is there twice is twice as likely. */
function parseErrors(span: Span, all: string): ErrnoOutcome {
  const parts = span.split('|')
  const [first, ...others] = parts.map((part) => {
    if (part.length === 0 && parts.length > 1)
      throw part.error('MB_FAULT_SYNTAX', 'an error is missing beside the |')
    return /^-\d+$/.test(part.text) ? parseErrorNumber(part) : parseErrorName(part, all, true)
  })
  if (parts.length > mostErrors)
    throw parts[mostErrors]!.error(
      'MB_FAULT_VALUE',
      `a rule has ${mostErrors} errors at most`,
      'give a second rule with the others, and each a rate',
    )
  return others.length === 0
    ? first!
    : { ...first!, others: others.map(({ name, errno }) => ({ name, errno })) }
}

function errorsOf({ name, errno, others = [] }: ErrnoOutcome): readonly NamedErrno[] {
  return [{ name, errno }, ...others]
}

function errorsText(outcome: ErrnoOutcome): string {
  return errorsOf(outcome)
    .map(({ name }) => name)
    .join('|')
}

/** `ENOENT (No such file or directory)`, `EIO (…) or EINTR (…)` */
function describeErrors(outcome: ErrnoOutcome): string {
  return listNames(
    errorsOf(outcome).map(({ name }) => explainErrno(name)),
    'or',
  )
}

function encodeErrors(row: RuleBytes, outcome: ErrnoOutcome): void {
  const errors = errorsOf(outcome)
  for (const [index, each] of errors.entries())
    row.writeUInt16LE(each.errno, ruleOffsets.errors + 2 * index)
  row.writeBigUInt64LE(BigInt(errors.length), ruleOffsets.error_count)
}

function drawnError(outcome: ErrnoOutcome, { error }: Draws): ErrnoOutcome {
  const errors = errorsOf(outcome)
  return { kind: 'errno', ...errors[Number(drawnBelow(BigInt(errors.length), error))]! }
}

/**
 * An errno by its name, in upper or lower case.
 *
 * @param all every outcome in its forms, for a hint
 * @param isOutcome whether other outcomes could stand there
 */
export function parseErrorName(span: Span, all: string, isOutcome = false): ErrnoOutcome {
  const found = errnoByName(span.text)
  if (found) return { kind: 'errno', name: found.name, errno: found.number }
  const what = isOutcome && !/^[A-Z]+$/i.test(span.text) ? 'outcome' : 'error'
  throw span.error(
    'MB_UNKNOWN_NAME',
    `unknown ${what} ${quote(span.text)}`,
    (isOutcome ? otherOutcomeHint(span.text) : undefined) ?? errorHint(span.text, all),
  )
}

function errorHint(text: string, all: string): string {
  const signal = signalByName(text)
  if (signal !== undefined) return `did you mean signal:${signalName(signal)}?`
  const near = nearest(text.toUpperCase(), errnoNames())
  return near ? `did you mean ${near}?` : `an outcome is ${all}`
}

function parseErrorNumber(span: Span): ErrnoOutcome {
  const number = -Number(span.text)
  if (number < 1 || number > errnoMax)
    throw span.error(
      'MB_FAULT_VALUE',
      `the error ${quote(span.text)} is not within -1 to -${errnoMax}`,
      `to return a value, write ret:${span.text}`,
    )
  return ofNumber(number)
}

function ofNumber(number: number): ErrnoOutcome {
  return { kind: 'errno', name: errnoName(number), errno: number }
}

/** `ENOENT (No such file or directory)` */
export function explainErrno(name: string): string {
  const known = errnoByName(name)
  return known ? `${name} (${known.description})` : `error ${name}`
}
