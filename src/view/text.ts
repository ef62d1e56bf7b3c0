/** Text for cells of a terminal: nothing in it moves the cursor, and its width is known. */
import stringWidth from 'string-width'

/** Which characters this terminal shows. */
export type Charset = 'unicode' | 'ascii'

/**
 * Controls, and what is drawn otherwise than it is counted: marks that change the direction of writing, join or
 * restyle characters, and unassigned code points.
 */
const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Variation_Selector}]/gu
const notAscii = /[^\x20-\x7e]/gu

/** Whatever a program called itself, on one line and from left to right: `\u{202e}` for what is not shown. */
export function safe(text: string, charset: Charset): string {
  return text.replace(charset === 'ascii' ? notAscii : unsafe, (character) => {
    const code = character.codePointAt(0) ?? 0
    const hex = code.toString(16)
    return code < 0x100 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`
  })
}

export function width(text: string): number {
  return stringWidth(text)
}

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** At most `columns` wide; what is cut off is marked. */
export function cut(text: string, columns: number, charset: Charset): string {
  if (width(text) <= columns) return text
  const mark = charset === 'ascii' ? '~' : '…'
  if (columns <= 1) return columns === 1 ? mark : ''
  let kept = ''
  let used = 0
  for (const { segment } of segmenter.segment(text)) {
    used += width(segment)
    if (used > columns - 1) break
    kept += segment
  }
  return kept + mark
}

/** Exactly `columns` wide. */
export function fit(text: string, columns: number, charset: Charset): string {
  const shown = cut(text, columns, charset)
  return shown + ' '.repeat(Math.max(0, columns - width(shown)))
}

/** The first of these that is at most so wide, from the longest to the shortest; else the last, cut. */
export function firstFitting(
  texts: readonly [string, ...string[]],
  columns: number,
  charset: Charset,
): string {
  return texts.find((text) => width(text) <= columns) ?? cut(texts.at(-1)!, columns, charset)
}

/** `9999`, `12.3k`, `4.5M`: never more than five columns below 10^15. */
export function short(value: number): string {
  if (value > 0 && value < 10 && !Number.isInteger(value)) return value.toFixed(1)
  let rest = Math.round(value)
  if (rest < 10_000) return `${rest}`
  for (const unit of ['k', 'M', 'G', 'T']) {
    rest /= 1000
    if (rest < 99.95) return `${rest.toFixed(1)}${unit}`
    if (rest < 999.5 || unit === 'T') return `${Math.round(rest)}${unit}`
  }
  return `${rest}`
}
