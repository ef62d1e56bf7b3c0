/** A value that is one of a few words. */
import { nearest } from '../names/suggest.ts'
import { quote, type Span } from '../span.ts'

export function oneOf<Word extends string>(span: Span, words: readonly Word[], hint = ''): Word {
  const word = words.find((candidate) => candidate === span.text)
  if (word) return word
  const near = nearest(span.text, words)
  throw span.error(
    'MB_FAULT_VALUE',
    `${quote(span.text)} is not one of ${words.join(', ')}`,
    hint || (near && `did you mean ${near}?`),
  )
}
