import { type ErrorCode, MinderbinderError } from '../errors.ts'

/**
 * A part of the text that the user wrote, so that an error can point at exactly what is wrong with it.
 * Positions are UTF-16 code units of `whole`.
 */
export class Span {
  readonly whole: string
  readonly start: number
  readonly end: number

  constructor(whole: string, start = 0, end = whole.length) {
    this.whole = whole
    this.start = start
    this.end = end
  }

  get text(): string {
    return this.whole.slice(this.start, this.end)
  }

  get length(): number {
    return this.end - this.start
  }

  /** Part of this part; positions count from its start. */
  slice(start: number, end = this.length): Span {
    return new Span(this.whole, this.start + start, this.start + Math.min(end, this.length))
  }

  /** The parts between `separator`s, of one character, but for those that `escapedBy` stands before. */
  split(separator: string, escapedBy?: string): Span[] {
    const parts: Span[] = []
    const text = this.text
    let start = 0
    for (let at = 0; at <= text.length; at++) {
      const escaped = at > 0 && text[at - 1] === escapedBy
      if (at < text.length && (text[at] !== separator || escaped)) continue
      parts.push(this.slice(start, at))
      start = at + 1
    }
    return parts
  }

  /** Before and after the first `separator`; undefined if it does not occur. */
  cut(separator: string): [Span, Span] | undefined {
    const at = this.text.indexOf(separator)
    return at < 0 ? undefined : [this.slice(0, at), this.slice(at + separator.length)]
  }

  /** An error about this part. */
  error(code: ErrorCode, message: string, hint?: string): MinderbinderError {
    const excerpt = { text: this.whole, start: this.start, length: this.length }
    return new MinderbinderError(
      code,
      message,
      hint === undefined ? { excerpt } : { excerpt, hint },
    )
  }
}

/** User text inside a message: quoted, control characters escaped, long text shortened. */
export function quote(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 57)}...` : text
  return `'${printable(short)}'`
}

/** Text without control characters: a line break in a path must not break a line of the summary. */
export function printable(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}
