/** The measures as aligned text. */
import type { Measure } from './measure.ts'

const header = ['measure', 'ours', 'compared with', 'ratio (quartiles)', 'target', 'met']

export function table(measures: readonly Measure[]): string {
  const rows = [header, ...measures.map(row)]
  const widths = header.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)))
  const lines = rows.map((cells) =>
    cells.map((cell, column) => cell.padEnd(widths[column]!)).join('  '),
  )
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`
}

function row({ name, ours, comparedWith, ratio, target, skipped }: Measure): string[] {
  if (skipped !== undefined) return [name, `not measured: ${skipped}`, '', '', '', '']
  const spread = ratio
    ? `${digits(ratio.median)} (${digits(ratio.lowerQuartile)} to ${digits(ratio.upperQuartile)})`
    : ''
  return [name, ours, comparedWith, spread, target?.text ?? '', target ? yesNo(target.met) : '']
}

function digits(value: number): string {
  return value < 0.2 ? value.toFixed(4) : value.toFixed(2)
}

function yesNo(met: boolean): string {
  return met ? 'yes' : 'NO'
}
