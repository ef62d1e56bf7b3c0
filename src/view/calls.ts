/** The part of the screen about what the target processes do: calls that succeed and fail, context switches. */
import { graph } from './graph.ts'
import { type Line, type Style, span } from './line.ts'
import type { ScreenInput } from './screen.ts'
import { fit, safe, short } from './text.ts'

/** The first row has the numbers, the others the graphs. */
export function callLines({ history, size, charset }: ScreenInput, rows: number): Line[] {
  if (rows <= 0) return []
  const { activity, calls } = history
  if (!calls) {
    const why = activity?.callsMissing === undefined ? '' : `: ${activity.callsMissing}`
    return [[span(`system calls and context switches are not counted${safe(why, charset)}`, 'dim')]]
  }
  const wide = size.columns >= 60
  const parts: readonly [title: string, values: readonly number[], style: Style][] = [
    [wide ? 'calls succeeding' : 'ok', calls.succeeded, 'seen'],
    [wide ? 'failing' : 'failed', calls.failed, 'failed'],
    [wide ? 'context switches' : 'switches', calls.contextSwitches, 'plain'],
  ]
  const column = Math.max(1, Math.floor((size.columns - 2 * (parts.length - 1)) / parts.length))
  const graphs = parts.map(([, values]) => graph(values, column, rows - 1, charset).rows)
  return Array.from({ length: rows }, (_, row) =>
    parts.flatMap(([title, values, style], at) => [
      ...(at > 0 ? [span('  ')] : []),
      row === 0
        ? span(fit(`${title} ${short(values.at(-1) ?? 0)}/s`, column, charset), style)
        : span(graphs[at]?.[row - 1] ?? '', style),
    ]),
  )
}
