/** Errors that point into a configuration file: its name, line and column, and the line itself. */
import { MinderbinderError } from '../errors.ts'

export interface ConfigSource {
  /** For messages: the path, or `-`. */
  readonly name: string
  readonly text: string
}

/** A part of the text, in UTF-16 code units. */
export interface Place {
  readonly start: number
  readonly end: number
}

/** An error that says where it is; others point into a text that only their thrower knows. */
export class LocatedError extends MinderbinderError {}

/** Of a longer line only what is around the error is shown. */
const shownBefore = 60
const shownAfter = 100

/** YAML 1.2 ends lines by \n, \r\n or \r. */
const lineEnds = /\r\n?|\n/g

/** A file whose lines can be found. */
export class ConfigText implements ConfigSource {
  readonly name: string
  /** Without a byte order mark. */
  readonly text: string
  /** Where each line begins. */
  #lines: number[] | undefined

  constructor({ name, text }: ConfigSource) {
    this.name = name
    this.text = text.replace(/^\uFEFF/, '')
  }

  /** The 1-based line that has the character at `offset`. */
  lineOf(offset: number): number {
    this.#lines ??= [
      0,
      ...Array.from(this.text.matchAll(lineEnds), (end) => end.index + end[0].length),
    ]
    let [low, high] = [0, this.#lines.length]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (this.#lines[middle]! <= offset) low = middle
      else high = middle
    }
    return low + 1
  }

  error(place: Place, message: string, hint?: string): LocatedError {
    const line = this.lineOf(place.start)
    const from = this.#lines![line - 1]!
    const to = this.text.slice(from, this.#lines![line]).trimEnd().length + from
    const start = Math.min(place.start, to)
    const column = Array.from(this.text.slice(from, start)).length + 1
    return new LocatedError('MB_CONFIG', `${this.name}:${line}:${column}: ${message}`, {
      excerpt: this.#excerpt(from, to, { start, end: Math.max(start, Math.min(place.end, to)) }),
      ...(hint !== undefined && { hint }),
    })
  }

  #excerpt(from: number, to: number, { start, end }: Place) {
    const left = Math.max(from, start - shownBefore)
    const right = Math.min(to, start + shownAfter)
    const before = left > from ? '...' : ''
    return {
      text: `${before}${this.text.slice(left, right)}${right < to ? '...' : ''}`,
      start: before.length + start - left,
      length: Math.min(end, right) - start,
    }
  }
}
