/** Which rules act on interfaces, and so in one network namespace only: minderbinder's own. Pure. */
import type { Rule } from './rule.ts'

export function isBoundToOwnNamespace(rule: Rule): boolean {
  return rule.kind === 'drop-net' && (rule.direction === 'out' || rule.interface !== undefined)
}
