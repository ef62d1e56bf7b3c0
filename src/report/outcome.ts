/** What a rule does, in the words of the command line. */
import { drawsOf } from '../rules/draw.ts'
import { drawnOutcome, textOfOutcome } from '../rules/outcomes/index.ts'
import type { Rule } from '../rules/rule.ts'
import type { InjectionEvent } from './event.ts'

/**
 * Of an injection: `ENOENT`, `ret:0`, `delay:50ms`, `signal:SIGKILL`, `drop`, `refuse`. If the rule has several errors,
 * or a range, those that were drawn.
 */
export function outcomeText(rule: Rule, seed: bigint, { rule: slot, n }: Occurrence): string {
  if (rule.kind !== 'syscall') return rule.kind === 'drop-net' ? 'drop' : 'refuse'
  const outcome = drawnOutcome(rule.outcome, () => drawsOf(seed, slot, n))
  return textOfOutcome(outcome)
}

type Occurrence = Pick<InjectionEvent, 'rule' | 'n'>
