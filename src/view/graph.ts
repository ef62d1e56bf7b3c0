/** Bars of a graph: one column a value, the newest at the right. */
import type { Charset } from './text.ts'

/** A cell filled by so many parts, from none to all. */
const parts: Readonly<Record<Charset, string>> = { unicode: ' ▁▂▃▄▅▆▇█', ascii: ' .:|' }

export interface Graph {
  /** From top to bottom, each exactly `columns` wide. */
  readonly rows: readonly string[]
  /** What a bar of full height stands for. */
  readonly top: number
}

/** A value above 0 is never drawn as nothing. */
export function graph(
  values: readonly number[],
  columns: number,
  rows: number,
  charset: Charset,
): Graph {
  const shown = columns > 0 ? values.slice(-columns) : []
  const top = Math.max(0, ...shown)
  const cell = parts[charset]
  const steps = cell.length - 1
  const heights = shown.map((value) =>
    value <= 0 ? 0 : Math.max(1, Math.round((value / top) * rows * steps)),
  )
  const blank = ' '.repeat(Math.max(0, columns - shown.length))
  return {
    top,
    rows: Array.from({ length: rows }, (_, row) => {
      const below = (rows - 1 - row) * steps
      return blank + heights.map((height) => cell[clamp(height - below, steps)]).join('')
    }),
  }
}

function clamp(height: number, steps: number): number {
  return Math.min(steps, Math.max(0, height))
}
