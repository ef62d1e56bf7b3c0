/** What a rule does, in the words of the command line. */
import { kindOf } from '../rules/outcomes/index.ts'
import type { Rule } from '../rules/rule.ts'

/** `ENOENT`, `ret:0`, `delay:50ms`, `signal:SIGKILL`, `drop`, `refuse`. */
export function outcomeText(rule: Rule): string {
  if (rule.kind !== 'syscall') return rule.kind === 'drop-net' ? 'drop' : 'refuse'
  return kindOf(rule.outcome).text(rule.outcome)
}
