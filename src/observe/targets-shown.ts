/** Who is a target now, for the eye. */
import { nameOf } from '../kernel/process/tree.ts'
import type { TargetActivity } from '../report/activity.ts'
import { oneLine, printable } from '../report/printable.ts'
import type { Rule } from '../rules/rule.ts'
import type { TargetTable } from '../targets/target-table.ts'
import { TARGETS_SHOWN } from './activity.ts'

export function targetsOf(
  table: TargetTable,
  rules: readonly Rule[],
): () => { readonly count: number; readonly youngest: readonly TargetActivity[] } {
  return () => {
    const { count, youngest } = table.youngest(TARGETS_SHOWN)
    const shown = youngest.flatMap(({ pid, rules: indices }): TargetActivity[] => {
      const name = nameOf(pid)
      if (name === undefined) return [] // it has just ended
      const labels = indices.map((index) => rules[index]?.label ?? '')
      return [{ pid, name: oneLine(printable(name)), rules: labels }]
    })
    return { count, youngest: shown }
  }
}
