/** A line of the screen: stretches of text, each in one style. */
import { Chalk } from 'chalk'
import { type Charset, cut, width } from './text.ts'

export type Style = 'plain' | 'title' | 'dim' | 'seen' | 'fired' | 'failed' | 'warning'

export interface Span {
  readonly text: string
  readonly style: Style
}

export type Line = readonly Span[]

export function span(text: string, style: Style = 'plain'): Span {
  return { text, style }
}

export function plainText(line: Line): string {
  return line.map(({ text }) => text).join('')
}

/** At most `columns` wide. */
export function cutLine(line: Line, columns: number, charset: Charset): Line {
  let left = columns
  const kept: Span[] = []
  for (const { text, style } of line) {
    if (left <= 0) break
    const shown = cut(text, left, charset)
    kept.push({ text: shown, style })
    left -= width(shown)
    if (shown !== text) break
  }
  return kept
}

/** Two blocks side by side, the first `columns` wide. */
export function beside(
  left: readonly Line[],
  right: readonly Line[],
  columns: number,
  charset: Charset,
): Line[] {
  return Array.from({ length: Math.max(left.length, right.length) }, (_, row) => {
    const first = cutLine(left[row] ?? [], columns - 2, charset)
    const padding = ' '.repeat(Math.max(0, columns - width(plainText(first))))
    return [...first, span(padding), ...(right[row] ?? [])]
  })
}

/** The line with its colours; `level` is chalk's: 0 none, 1 to 3 for 16, 256 and all. */
export function painter(level: 0 | 1 | 2 | 3): (line: Line) => string {
  const chalk = new Chalk({ level })
  const paint: Readonly<Record<Style, (text: string) => string>> = {
    plain: (text) => text,
    title: chalk.bold,
    dim: chalk.dim,
    seen: chalk.cyan,
    fired: chalk.red,
    failed: chalk.magenta,
    warning: chalk.yellow,
  }
  return (line) => line.map(({ text, style }) => paint[style](text)).join('')
}
