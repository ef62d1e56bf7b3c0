/** The rows of the table of rules, in the summary and in the report. */
import { labelOfAll } from '../rules/expression.ts'
import { noCounts, type RuleCounts } from '../rules/rule.ts'
import type { RunSoFar } from './run-so-far.ts'

export interface Row {
  readonly label: string
  readonly engine: string
  readonly counts: RuleCounts
}

/** Of one expression, whose rules are at `indices`: a row for each rule that met a call, or one row for all of it. */
export function rowsOf(
  { rules, counts, engines }: RunSoFar & { readonly engines: readonly string[] },
  indices: readonly number[],
): Row[] {
  const rows = indices.map((index) => ({
    label: rules[index]!.label,
    engine: engines[index] ?? '',
    counts: counts[index]!,
  }))
  if (indices.length === 1) return rows
  const met = rows.filter(({ counts: { seen, taken } }) => seen + taken > 0n)
  if (met.length > 0) return met
  return [{ label: labelOfAll(rules, indices), engine: rows[0]?.engine ?? '', counts: noCounts }]
}
