/** The part of the screen about what the target processes do: calls that succeed and fail, context switches. */
import type { CallCounts } from '../report/activity.ts'
import { graph } from './graph.ts'
import type { ScreenInput } from './input.ts'
import { type Line, type Style, span } from './line.ts'
import { type Charset, cut, firstFitting, fit, safe, short, width } from './text.ts'

/** From here on the last row is for single calls. */
const WITH_NAMES = 4

/** The first row has the numbers, those after it the graphs. */
export function callLines(input: ScreenInput, rows: number): Line[] {
  const { history, size, charset } = input
  const byCall = history.activity?.calls?.byCall
  if (!byCall || rows < WITH_NAMES) return overallLines(input, rows)
  return [...overallLines(input, rows - 1), nameLine(byCall, size.columns, charset)]
}

function overallLines({ history, size, charset }: ScreenInput, rows: number): Line[] {
  if (rows <= 0) return []
  const { activity, calls } = history
  if (!calls) {
    const why = activity?.callsMissing === undefined ? '' : `: ${activity.callsMissing}`
    return [[span(`system calls and context switches are not counted${safe(why, charset)}`, 'dim')]]
  }
  const parts: readonly [titles: readonly string[], values: readonly number[], style: Style][] = [
    [['calls succeeding', 'succeeding', 'ok'], calls.succeeded, 'seen'],
    [['failing', 'failed', 'bad'], calls.failed, 'failed'],
    [['context switches', 'switches', 'csw'], calls.contextSwitches, 'plain'],
  ]
  const column = Math.max(1, Math.floor((size.columns - 2 * (parts.length - 1)) / parts.length))
  const graphs = parts.map(([, values]) => graph(values, column, rows - 1, charset).rows)
  return Array.from({ length: rows }, (_, row) =>
    parts.flatMap(([titles, values, style], at) => [
      ...(at > 0 ? [span('  ')] : []),
      row === 0
        ? span(fit(caption(titles, values, column, charset), column, charset), style)
        : span(graphs[at]?.[row - 1] ?? '', style),
    ]),
  )
}

/** Words are left out before the number is. */
function caption(
  titles: readonly string[],
  values: readonly number[],
  columns: number,
  charset: Charset,
): string {
  const now = `${short(values.at(-1) ?? 0)}/s`
  const peak = `peak ${short(Math.max(0, ...values.slice(-columns)))}/s`
  const [longest = ''] = titles
  return firstFitting(
    [`${longest} ${now}  ${peak}`, ...titles.map((title) => `${title} ${now}`), now],
    columns,
    charset,
  )
}

/** Whole entries only, those that failed most first: `failed of all  openat 12 of 1215, read 0 of 40.1k, 3 others`. */
function nameLine(byCall: readonly CallCounts[], columns: number, charset: Charset): Line {
  const title = 'failed of all  '
  const entries = [...byCall]
    .sort((a, b) => compare(b.failed, a.failed) || compare(all(b), all(a)))
    .map((each) => `${each.name} ${short(Number(each.failed))} of ${short(Number(all(each)))}`)
  const texts = entries.map((_, left) => {
    const rest = left > 0 ? [`${left} others`] : []
    return [...entries.slice(0, entries.length - left), ...rest].join(', ')
  })
  const room = columns - title.length
  const text = texts.find((each) => width(each) <= room) ?? cut(texts.at(-1) ?? '', room, charset)
  return [span(title, 'failed'), span(text)]
}

const all = ({ succeeded, failed }: CallCounts) => succeeded + failed

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : Number(a > b)
}
