/** The call fails with an error, and is not run: `ENOENT`, `-2`. */
import { neverReturns } from '../faultable.ts'
import { errnoByName, errnoMax, errnoName, errnoNames } from '../names/errnos.ts'
import { signalByName, signalName } from '../names/signals.ts'
import { nearest } from '../names/suggest.ts'
import { otherOutcomeHint } from '../other-words.ts'
import { quote, type Span } from '../span.ts'
import { parseInteger } from '../values.ts'
import type { OutcomeKind } from './outcome.ts'

export interface ErrnoOutcome {
  readonly kind: 'errno'
  readonly name: string
  readonly errno: number
}

export const errno: OutcomeKind<ErrnoOutcome> = {
  kind: 'errno',
  number: 1,
  example: 'ENOENT',
  forms: ['ENOENT', '-2'],
  syntax: 'an error',
  brief: 'ENOENT or -2: fails with it',
  gist: 'fail',
  inject: {
    action: 'error',
    example: 'error=ENOENT',
    parse: (value, all) =>
      /^\d+$/.test(value.text)
        ? ofNumber(parseInteger(value, 'the error', 1, errnoMax))
        : parseErrorName(value, all),
  },
  parse: (text, all) =>
    /^-\d+$/.test(text.text) ? parseErrorNumber(text) : parseErrorName(text, all, true),
  text: ({ name }) => name,
  describe: ({ name }, many) => `${many ? 'fail' : 'fails'} with ${explainErrno(name)}`,
  encode: (outcome) => BigInt(outcome.errno),
  refuses: neverReturns,
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
