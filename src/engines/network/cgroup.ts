/** Packets lost on their way to the target, and connect() refused: programs on the target's own cgroup. */

import { whyNoChildCgroup } from '../../kernel/cgroup/place.ts'
import type { Rule } from '../../rules/rule.ts'
import type { Engine } from '../engine.ts'
import { interfaceRefusal } from '../no-interface.ts'
import { attachNetwork } from './changing.ts'

export const cgroup: Engine = {
  name: 'cgroup',
  addedRules: 'always',
  refusal,
  refusalHere,
  // Imported there: a start without network rules does not wait for it.
  attach: attachNetwork(async () => (await import('./cgroup-attach.ts')).hooks),
}

function refusal(rule: Rule): string | undefined {
  if (rule.kind === 'syscall') return 'cgroup programs see packets and connect(), no other calls'
  if (rule.kind === 'refuse-net') return interfaceRefusal(rule)
  // Egress would report the loss to the sender: EPERM, or congestion to TCP.
  return rule.direction === 'in' ? undefined : 'only tc loses packets silently on their way out'
}

/** Of what another engine can do, too: else the attempt says better what is missing. */
function refusalHere(rules: readonly Rule[]): string | undefined {
  if (!rules.some(({ kind }) => kind === 'refuse-net')) return undefined
  return process.geteuid?.() === 0 ? whyNoChildCgroup() : 'it needs root'
}
