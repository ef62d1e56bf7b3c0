/** Packets that the target sends are lost at tc egress. */
import type { Rule } from '../../rules/rule.ts'
import type { Engine } from '../engine.ts'
import { attachNetwork } from './changing.ts'

export const tc: Engine = {
  name: 'tc',
  addedRules: 'always',
  refusal,
  // Imported there: a start without network rules does not wait for it.
  attach: attachNetwork(async () => (await import('./tc-start.ts')).egress),
}

function refusal(rule: Rule): string | undefined {
  if (rule.kind !== 'drop-net') return 'tc can only lose packets'
  return rule.direction === 'out' ? undefined : 'tc sees only packets that go out'
}
