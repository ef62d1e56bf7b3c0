/** Packets lost on their way to the target, and connect() refused: programs on the target's own cgroup. */
import type { Rule } from '../../rules/rule.ts'
import type { AttachedEngine, Engine, EngineContext } from '../engine.ts'

export const cgroup: Engine = { name: 'cgroup', refusal, attach }

function refusal(rule: Rule): string | undefined {
  if (rule.kind === 'syscall') return 'cgroup programs see packets and connect(), no other calls'
  if (rule.kind === 'refuse-net') {
    return rule.interface === undefined
      ? undefined
      : 'when a program calls connect(), no interface has been chosen yet'
  }
  // Egress would report the loss to the sender: EPERM, or congestion to TCP.
  return rule.direction === 'in' ? undefined : 'a packet that goes out is lost silently by tc only'
}

async function attach(context: EngineContext, indices: readonly number[]): Promise<AttachedEngine> {
  // Imported here: a start without network rules does not wait for it.
  const { attachToCgroup } = await import('./cgroup-attach.ts')
  return attachToCgroup(context, indices)
}
