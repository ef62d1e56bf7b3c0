/** What the user's terminal can show, as far as the environment says. */
import type { Charset } from './text.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** locale(7): the first of these that is set counts. */
export function charsetOf({ LC_ALL, LC_CTYPE, LANG }: Environment): Charset {
  const locale = LC_ALL || LC_CTYPE || LANG || ''
  return /utf-?8/i.test(locale) ? 'unicode' : 'ascii'
}

/** 16 colours, which every terminal with any has; none where NO_COLOR says so (no-color.org). */
export function colourOf({ NO_COLOR, TERM }: Environment): 0 | 1 {
  return NO_COLOR || TERM === 'dumb' || /-m(ono)?$/.test(TERM ?? '') ? 0 : 1
}
