/** Several rules that the user wrote as one: to a reader they are one entry. */
import type { Rule } from './rule.ts'

/** Rule indices, in order: those of one expression together, every other rule by itself. */
export function groupByExpression(rules: readonly Rule[]): number[][] {
  const groups: number[][] = []
  let last: unknown
  for (const [index, rule] of rules.entries()) {
    const expression = rule.kind === 'syscall' ? rule.expression : undefined
    if (expression !== undefined && expression === last) groups.at(-1)?.push(index)
    else groups.push([index])
    last = expression
  }
  return groups
}

/** What to call the rules of one group. */
export function labelOfAll(rules: readonly Rule[], indices: readonly number[]): string {
  const rule = rules[indices[0]!]!
  const several = indices.length > 1 && rule.kind === 'syscall'
  return several && rule.expression ? rule.expression.text : rule.label
}
