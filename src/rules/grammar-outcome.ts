/** OUTCOME: what happens to a system call. */
import { errnoByName, errnoMax, errnoName, errnoNames } from './names/errnos.ts'
import { signalByName, signalMax, signalName, signalNames } from './names/signals.ts'
import { nearest } from './names/suggest.ts'
import { isDelayAndMore, otherOutcomeHint } from './other-words.ts'
import type { Outcome } from './rule.ts'
import { quote, type Span } from './span.ts'
import { parseDuration } from './values.ts'

/** `ENOENT`, `-2`, `ret:N`, `delay:DUR`, `signal:SIG`. */
export function parseOutcome(span: Span): Outcome {
  const { text } = span
  if (text === '')
    throw span.error(
      'MB_FAULT_SYNTAX',
      'the outcome is missing',
      'write an error (ENOENT or -2), ret:N, delay:50ms or signal:SIGKILL',
    )
  if (isDelayAndMore(text))
    throw span.error(
      'MB_FAULT_SYNTAX',
      'a rule has one outcome: a delay, or what the call returns',
      'to be slow and then fail is not offered yet',
    )
  const [verb, value] = span.cut(':') ?? [undefined, undefined]
  if (verb) {
    if (verb.text === 'ret') return parseReturn(value)
    if (verb.text === 'delay')
      return { kind: 'delay', ns: parseDuration(value, { zeroAllowed: false }) }
    if (verb.text === 'signal') return parseSignal(value)
    throw unknownVerb(verb, value)
  }
  if (/^-\d+$/.test(text)) return parseErrorNumber(span)
  if (/^[+]?\d+$/.test(text)) throw bareNumber(span)
  return parseErrorName(span, true)
}

function bareNumber(span: Span) {
  const digits = span.text.replace('+', '')
  const isError = Number(digits) >= 1 && Number(digits) <= errnoMax
  const quoted = quote(span.text)
  return isError
    ? span.error(
        'MB_FAULT_VALUE',
        `the outcome ${quoted} could be an error or a return value`,
        `write -${digits} for the error of that number, or ret:${digits} to return it`,
      )
    : span.error(
        'MB_FAULT_VALUE',
        `the outcome ${quoted} is not an error`,
        digits.length <= 20
          ? `to return it without running the call, write ret:${digits}`
          : undefined,
      )
}

/**
 * An errno by its name, in upper or lower case.
 *
 * @param isOutcome whether other outcomes could stand there
 */
export function parseErrorName(span: Span, isOutcome = false): Outcome {
  const errno = errnoByName(span.text)
  if (errno) return { kind: 'errno', name: errno.name, errno: errno.number }
  const what = isOutcome && !/^[A-Z]+$/i.test(span.text) ? 'outcome' : 'error'
  throw span.error(
    'MB_UNKNOWN_NAME',
    `unknown ${what} ${quote(span.text)}`,
    (isOutcome ? otherOutcomeHint(span.text) : undefined) ?? errorHint(span.text),
  )
}

function errorHint(text: string): string {
  const signal = signalByName(text)
  if (signal !== undefined) return `did you mean signal:${signalName(signal)}?`
  const near = nearest(text.toUpperCase(), errnoNames())
  return near
    ? `did you mean ${near}?`
    : 'an outcome is an error (ENOENT or -2), ret:N, delay:50ms or signal:SIGKILL'
}

function parseErrorNumber(span: Span): Outcome {
  const errno = -Number(span.text)
  if (errno < 1 || errno > errnoMax)
    throw span.error(
      'MB_FAULT_VALUE',
      `the error ${quote(span.text)} is not within -1 to -${errnoMax}`,
      `to return a value, write ret:${span.text}`,
    )
  return { kind: 'errno', name: errnoName(errno), errno }
}

/** A register's worth: -2^63 to 2^64-1, decimal or 0x; kept as the signed 64 bits that it is. */
export function parseReturn(span: Span): Outcome {
  const { text } = span
  const match = /^(-?)(\d{1,20}|0[xX][\da-fA-F]{1,16})$/.exec(text)
  if (!match) {
    if (/^-?(\d+|0[xX][\da-fA-F]+)$/.test(text)) throw outsideRegister(span)
    throw span.error(
      'MB_FAULT_SYNTAX',
      text === '' ? 'the value to return is missing' : `${quote(text)} is not a value to return`,
      'write a whole number, decimal or hexadecimal: ret:0, ret:-1, ret:0x1000',
    )
  }
  const size = BigInt(match[2] ?? '')
  const value = match[1] ? -size : size
  if (value < -(2n ** 63n) || value >= 2n ** 64n) throw outsideRegister(span)
  return { kind: 'return', value: BigInt.asIntN(64, value) }
}

function outsideRegister(span: Span) {
  return span.error('MB_FAULT_VALUE', `${quote(span.text)} does not fit into 64 bits`)
}

/** `SIGKILL`, `KILL`, `9`. */
export function parseSignal(span: Span): Outcome {
  const { text } = span
  const signal = signalByName(text)
  if (signal !== undefined) return { kind: 'signal', name: signalName(signal), signal }
  if (text === '')
    throw span.error('MB_FAULT_SYNTAX', 'the signal is missing', 'such as signal:SIGKILL')
  if (/^\d+$/.test(text))
    throw span.error('MB_FAULT_VALUE', `the signal ${quote(text)} is not within 1 to ${signalMax}`)
  const upper = text.toUpperCase()
  const near = nearest(upper.startsWith('SIG') ? upper : `SIG${upper}`, signalNames())
  throw span.error(
    'MB_UNKNOWN_NAME',
    `unknown signal ${quote(text)}`,
    near ? `did you mean ${near}?` : 'kill -l names them all',
  )
}

const verbs = ['ret', 'delay', 'signal'] as const

/** What people coming from other tools write. */
const otherWords: Readonly<Record<string, (typeof verbs)[number]>> = {
  return: 'ret',
  retval: 'ret',
  delay_enter: 'delay',
  sleep: 'delay',
  kill: 'signal',
  sig: 'signal',
}

function unknownVerb(verb: Span, value: Span) {
  const word = verb.text
  if (/^(errno|error)$/.test(word))
    return verb.error('MB_UNKNOWN_NAME', `unknown outcome ${quote(word)}`, `write ${value.text}`)
  if (errnoByName(word) && /^[\d.]+%$/.test(value.text))
    return value.error(
      'MB_FAULT_SYNTAX',
      'the rate is not separated by @',
      `did you mean ${word}@${value.text}?`,
    )
  const near = Object.hasOwn(otherWords, word) ? otherWords[word] : nearest(word, verbs)
  return verb.error(
    'MB_UNKNOWN_NAME',
    `unknown outcome ${quote(word)}`,
    otherOutcomeHint(word) ??
      (near
        ? `did you mean ${near}:?`
        : 'outcomes are ENOENT, -2, ret:N, delay:50ms and signal:SIGKILL'),
  )
}
