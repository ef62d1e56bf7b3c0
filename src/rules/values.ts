/** Values of the grammar that are numbers: rates, durations, counts, occurrences. */
import { quote, type Span } from './span.ts'

/** Which occurrences of a matching call are eligible: first, first+step, … up to last (1-based, inclusive). */
export interface When {
  readonly first: number
  /** Infinity if the expression has no upper end. */
  readonly last: number
  readonly step: number
}

/** The longest delay and `after=`: a day. Longer ones are mistaken units. */
const longestDurationNs = 24n * 3_600n * 1_000_000_000n

/** Highest number in `when=`, one below what stands for "no upper end" in struct rule. */
const highestOccurrence = 2 ** 32 - 2

const nanosecondsIn: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n, // U+00B5 micro sign
  μs: 1_000n, // U+03BC Greek mu
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
}

/**
 * A rate: `0%` to `100%`, with up to nine decimals (the draw behind it has 32 bits, or 2.3e-8 percent).
 * @param sign whether the % may be left out
 * @param hintFor a number without its %, or a duration
 * @returns percent
 */
export function parseRate(
  span: Span,
  sign: 'required' | 'optional' = 'required',
  hintFor: (text: string) => string = (text) => `did you mean ${text}%?`,
): number {
  const { text } = span
  const match = /^(\d+(?:\.\d{1,9})?|\.\d{1,9})(%?)$/.exec(text)
  if (!match || (match[2] === '' && sign === 'required')) {
    if (text === '') throw span.error('MB_FAULT_SYNTAX', 'the rate is missing', 'such as 100%')
    if (/^(\d+\.?\d*|\.\d+)$/.test(text))
      throw span.error('MB_FAULT_SYNTAX', `the rate ${quote(text)} lacks its %`, hintFor(text))
    if (/^-[\d.]+%?$/.test(text)) throw outsideRate(span)
    if (/^\d*\.\d{10,}%?$/.test(text))
      throw span.error('MB_FAULT_SYNTAX', `the rate ${quote(text)} has more than nine decimals`)
    throw span.error(
      'MB_FAULT_SYNTAX',
      `${quote(text)} is not a rate`,
      /^\d+(\.\d*)?[a-z]+$/.test(text) ? hintFor(text) : 'a rate is 0% to 100%, such as 12.5%',
    )
  }
  const percent = Number(match[1])
  if (percent > 100) throw outsideRate(span)
  return percent
}

function outsideRate(span: Span) {
  return span.error('MB_FAULT_VALUE', `the rate ${quote(span.text)} is not within 0% to 100%`)
}

export interface DurationLimits {
  /** Unit where none is written; without it a unit is required (strace's default is `us`). */
  readonly defaultUnit?: string
  readonly zeroAllowed: boolean
}

/**
 * A duration: a decimal number and ns, us, ms, s or m; at most a day, a whole number of nanoseconds.
 * @returns nanoseconds
 */
export function parseDuration(span: Span, limits: DurationLimits): bigint {
  const { text } = span
  const match = /^(\d*)(?:\.(\d*))?([^\d.-]*)$/.exec(text)
  const whole = match?.[1] ?? ''
  const decimals = match?.[2] ?? ''
  if (!match || (whole === '' && decimals === ''))
    throw span.error(
      'MB_FAULT_SYNTAX',
      text === '' ? 'the duration is missing' : `${quote(text)} is not a duration`,
      /\.\.|\d-|[a-z]-|~|±/.test(text)
        ? 'a delay may be drawn from a range: delay:10ms..50ms'
        : 'a duration is a number and a unit, such as 50ms or 1.5s',
    )
  const unitText = match[3] || limits.defaultUnit
  if (!unitText)
    throw span.error(
      'MB_FAULT_SYNTAX',
      `the duration ${quote(text)} has no unit`,
      `did you mean ${quote(`${text}ms`)}? Units are ns, us, ms, s and m`,
    )
  const factor = Object.hasOwn(nanosecondsIn, unitText) ? nanosecondsIn[unitText] : undefined
  if (factor === undefined) {
    const unit = span.slice(text.length - unitText.length)
    throw unit.error(
      'MB_UNKNOWN_NAME',
      `unknown unit ${quote(unitText)}`,
      'units are ns, us, ms, s and m',
    )
  }
  // Integers all the way, so that no duration is off by a rounding; digits bounded against huge input.
  if (whole.replace(/^0+/, '').length > 18) throw tooLong(span)
  const digits = decimals.replace(/0+$/, '')
  if (digits.length > 12) throw finerThanNanosecond(span)
  const scale = 10n ** BigInt(digits.length)
  const scaled = (BigInt(whole || '0') * scale + BigInt(digits || '0')) * factor
  if (scaled % scale !== 0n) throw finerThanNanosecond(span)
  const ns = scaled / scale
  if (ns > longestDurationNs) throw tooLong(span)
  if (ns === 0n && !limits.zeroAllowed)
    throw span.error(
      'MB_FAULT_VALUE',
      'a delay of 0 has no effect',
      'to make a rule never fire, give it the rate 0%',
    )
  return ns
}

function tooLong(span: Span) {
  return span.error('MB_FAULT_VALUE', `${quote(span.text)} is longer than a day (1440m)`)
}

function finerThanNanosecond(span: Span) {
  return span.error('MB_FAULT_VALUE', `${quote(span.text)} is not a whole number of nanoseconds`)
}

/** A decimal integer within bounds, without sign. */
export function parseInteger(span: Span, what: string, low: number, high: number): number {
  const { text } = span
  if (!/^\d+$/.test(text))
    throw span.error(
      'MB_FAULT_SYNTAX',
      text === '' ? `${what} is missing` : `${what}: ${quote(text)} is not a whole number`,
    )
  const value = Number(text)
  if (value < low || value > high)
    throw span.error('MB_FAULT_VALUE', `${what}: ${quote(text)} is not within ${low} to ${high}`)
  return value
}

/** Every occurrence: what a rule without `when=` has. */
export const always: When = { first: 1, last: Number.POSITIVE_INFINITY, step: 1 }

/**
 * Occurrences: F, F+, F+S, F..L or F..L+S, each 1 to 2^32-2 (strace(1), "when=expr", has 65535).
 */
export function parseWhen(span: Span): When {
  const high = highestOccurrence
  const match = /^(\d*)(?:(\.\.)(\d*))?(?:(\+)(\d*))?$/.exec(span.text)
  if (!match || span.length === 0)
    throw span.error(
      'MB_FAULT_SYNTAX',
      span.length === 0 ? 'when= is empty' : `invalid when= value ${quote(span.text)}`,
      /^\d{1,10}[-:]\d{1,10}$/.test(span.text)
        ? `did you mean when=${span.text.replace(/[-:]/, '..')}?`
        : 'write F, F+, F+S, F..L or F..L+S, such as when=3 (the third) or when=2+ (from the second on)',
    )
  const [, firstText = '', dots, lastText = '', plus, stepText = ''] = match
  const firstSpan = span.slice(0, firstText.length)
  const first = parseInteger(firstSpan, 'the first occurrence', 1, high)
  let last = plus ? Number.POSITIVE_INFINITY : first
  if (dots) {
    const at = firstText.length + 2
    const lastSpan = span.slice(at, at + lastText.length)
    last = parseInteger(lastSpan, 'the last occurrence', 1, high)
    if (last < first)
      throw lastSpan.error(
        'MB_FAULT_VALUE',
        `the last occurrence, ${last}, is before the first, ${first}`,
      )
  }
  const step = stepText
    ? parseInteger(span.slice(span.length - stepText.length), 'the step', 1, high)
    : 1
  return { first, last, step }
}
