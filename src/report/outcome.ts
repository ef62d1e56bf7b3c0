/** What a rule does, in the words of the command line. */
import type { Rule } from '../rules/rule.ts'
import { durationText } from '../rules/words/durations.ts'

/** `ENOENT`, `ret:0`, `delay:50ms`, `signal:SIGKILL`, `drop`, `refuse`. */
export function outcomeText(rule: Rule): string {
  if (rule.kind !== 'syscall') return rule.kind === 'drop-net' ? 'drop' : 'refuse'
  const { outcome } = rule
  switch (outcome.kind) {
    case 'errno':
      return outcome.name
    case 'return':
      return `ret:${outcome.value}`
    case 'delay':
      return `delay:${durationText(outcome.ns)}`
    case 'signal':
      return `signal:${outcome.name}`
  }
}
