/** The part of the screen about what the target processes do: calls that succeed and fail, context switches. */
import { graph } from './graph.ts'
import type { ScreenInput } from './input.ts'
import { type Line, type Style, span } from './line.ts'
import { type Charset, firstFitting, fit, safe, short } from './text.ts'

/** The first row has the numbers, the others the graphs. */
export function callLines({ history, size, charset }: ScreenInput, rows: number): Line[] {
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
