/** OUTCOME: what happens to a system call. */
import { errnoByName, errnoMax } from './names/errnos.ts'
import { nearest } from './names/suggest.ts'
import { otherOutcomeHint } from './other-words.ts'
import { checkOrder, combine, type Part } from './outcomes/combined.ts'
import { errno } from './outcomes/errno.ts'
import { allForms, type Outcome, outcomeKinds, type SingleOutcome } from './outcomes/index.ts'
import { quote, type Span } from './span.ts'
import { listNames } from './words/lists.ts'

/** `ENOENT`, `-2`, `EIO|EINTR`, `ret:N`, and the other verbs of the table; one, or several joined by +. */
export function parseOutcome(span: Span): Outcome {
  if (/^[+]?\d+$/.test(span.text)) throw bareNumber(span)
  const parts = span.split('+').map((part, _, all) => parsePart(part, all.length > 1))
  const outcome = combine(parts)
  checkOrder(parts)
  return outcome
}

function parsePart(span: Span, isOneOfSome: boolean): Part<SingleOutcome> {
  const { text } = span
  if (text === '')
    throw span.error(
      'MB_FAULT_SYNTAX',
      isOneOfSome ? 'an outcome is missing beside the +' : 'the outcome is missing',
      isOneOfSome ? 'such as delay:200ms+EIO' : `write ${allForms}`,
    )
  const [verb, value] = span.cut(':') ?? [undefined, undefined]
  if (!verb) return { outcome: errno.parse(span, allForms), step: errno.step, span }
  const row = outcomeKinds.find((each) => each.verb === verb.text)
  if (!row) throw unknownVerb(verb, value)
  return { outcome: row.parse(value, allForms), step: row.step, span }
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
  const meant = outcomeKinds.find(({ otherVerbs }) => otherVerbs?.includes(word))
  const near = meant?.verb ?? nearest(word, verbs())
  return verb.error(
    'MB_UNKNOWN_NAME',
    `unknown outcome ${quote(word)}`,
    otherOutcomeHint(word) ??
      (near
        ? `did you mean ${near}:?`
        : `outcomes are ${listNames(outcomeKinds.flatMap(({ forms }) => forms))}`),
  )
}

function verbs(): string[] {
  return outcomeKinds.flatMap(({ verb }) => verb ?? [])
}
