/** The whole screen as lines, for any size: what there is no room for is left out from the bottom up, and said. */
import type { Activity } from '../report/activity.ts'
import { callLines } from './calls.ts'
import type { ScreenInput } from './input.ts'
import { beside, cutLine, type Line, plainText, span } from './line.ts'
import { injectionLines, targetLines, targetSummary } from './lists.ts'
import { ruleLines } from './rules.ts'
import { firstFitting, safe, width } from './text.ts'

export interface Screen {
  /** As many as there are rows, none wider than the columns. */
  readonly lines: readonly Line[]
  /** How many rules are seen at once. */
  readonly rulesShown: number
}

/** From here on targets and injections stand side by side. */
const WIDE = 90

export function screen(input: ScreenInput): Screen {
  const { history, size, charset } = input
  const { activity } = history
  const heights = share(size.rows)
  const left = leftOutLines(input, heights.rules)
  const rules = ruleLines(input, heights.rules - left.length)
  const blank: Line[] = heights.gaps ? [[]] : []
  const body: Line[] = activity
    ? [
        ...rules.lines,
        ...left,
        ...blank,
        ...callLines(input, heights.calls),
        ...blank,
        // Whatever the rules leave free.
        ...lists(input, activity, heights.rules + heights.lists - rules.lines.length - left.length),
      ]
    : [[span('waiting for the first numbers', 'dim')]]
  const inner = Math.max(0, size.rows - (heights.footer ? 2 : 1))
  const lines = [
    titleLine(input),
    ...Array.from({ length: inner }, (_, row) => body[row] ?? []),
    ...(heights.footer ? [footerLine(input, rules.shown)] : []),
  ]
  return {
    lines: lines.slice(0, size.rows).map((line) => cutLine(line, size.columns, charset)),
    rulesShown: rules.shown,
  }
}

/** How the rows are shared out. */
function share(rows: number) {
  const footer = rows >= 6
  const gaps = rows >= 18
  const free = Math.max(0, rows - (footer ? 2 : 1) - (gaps ? 2 : 0))
  const calls = free >= 30 ? 6 : free >= 16 ? 4 : free >= 11 ? 2 : Math.min(1, free)
  const lists = free < 5 ? 0 : Math.min(14, Math.max(2, Math.floor((free - calls) * 0.4)))
  return { footer, gaps, calls, lists, rules: Math.max(0, free - calls - lists) }
}

function lists(input: ScreenInput, activity: Activity, rows: number): Line[] {
  const { size, charset } = input
  if (size.columns < WIDE)
    return [targetSummary(activity, size.columns, charset), ...injectionLines(input, rows - 1)]
  const left = Math.min(44, Math.floor(size.columns / 3))
  return beside(targetLines(activity, rows, charset), injectionLines(input, rows), left, charset)
}

function titleLine({ title, seed, history, size, charset }: ScreenInput): Line {
  const right = `seed ${safe(seed, charset)}  ${clock(history.seconds)}`
  const left = safe(title, charset)
  const room = size.columns - width(right) - 2
  if (room < 12) return [span(left, 'title')]
  const shown = cutLine([span(left, 'title')], room, charset)
  const padding = ' '.repeat(Math.max(2, size.columns - width(right) - width(shown[0]?.text ?? '')))
  return [...shown, span(padding + right, 'dim')]
}

/** In a quarter of the rows of the rules at most. */
function leftOutLines({ leftOut, charset }: ScreenInput, rows: number): Line[] {
  if (leftOut.length === 0 || rows < 2) return []
  const most = Math.max(1, Math.floor(rows / 4))
  if (leftOut.length <= most)
    return leftOut.map((text) => [span(`left out: ${safe(text, charset)}`, 'warning')])
  const all = safe(leftOut.join('; '), charset)
  return [[span(`${leftOut.length} rules left out: ${all}`, 'warning')]]
}

function footerLine(
  { history, size, keys, words, charset }: ScreenInput,
  rulesShown: number,
): Line {
  const lost = history.activity?.lostEvents ?? 0n
  const hidden = (history.activity?.rules.length ?? 0) > rulesShown
  const arrows = charset === 'ascii' ? 'up/down' : '↑↓'
  const start: Line = [
    ...(lost > 0n
      ? [span(`${lost} injections not shown: they came too fast  `, 'warning' as const)]
      : []),
    span(keys === 'own' ? 'q quits' : '^C interrupts the command', 'dim'),
    ...(keys === 'own' && hidden ? [span(`  ${arrows} shows other rules`, 'dim' as const)] : []),
    ...(words ? [span(`  ${safe(words, charset)}`, 'warning' as const)] : []),
  ]
  const room = size.columns - width(plainText(start))
  const legend = firstFitting(legends(history.step), room, charset)
  return width(legend) < room ? [...start, span(legend.padStart(room), 'dim')] : start
}

/** How to read the graphs, from the most words to none. */
function legends(step: number): [string, ...string[]] {
  if (step === 0) return ['']
  const column = `${Number(step.toFixed(1))} s`
  return [
    `each column is ${column}, the newest at the right; a full bar is the peak`,
    `each column is ${column}; a full bar is the peak`,
    `column ${column}, full bar: peak`,
    `column ${column}`,
    '',
  ]
}

/** `0:07`, `1:02:03` */
function clock(seconds: number): string {
  const whole = Math.floor(seconds)
  const two = (value: number) => `${value}`.padStart(2, '0')
  const minutes = Math.floor(whole / 60)
  return minutes < 60
    ? `${minutes}:${two(whole % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`
}
