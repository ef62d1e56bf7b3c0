/** Packets that the target sends are lost at tc egress. */
import { closeSync } from 'node:fs'
import type { Interface } from '../kernel/interfaces.ts'
import type { Rule } from '../rules/rule.ts'
import type { AttachedEngine, Engine, EngineContext } from './engine.ts'

export const tc: Engine = { name: 'tc', refusal, attach }

function refusal(rule: Rule): string | undefined {
  if (rule.kind !== 'drop-net') return 'tc loses packets and does nothing else'
  return rule.direction === 'out' ? undefined : 'tc has only the packets that go out'
}

async function attach(context: EngineContext, indices: readonly number[]): Promise<AttachedEngine> {
  // Imported here: a start without network rules does not wait for it.
  const { listInterfaces } = await import('../kernel/interfaces.ts')
  const { startNetwork } = await import('./network-engine.ts')
  const { NetworkObject } = await import('./network-object.ts')
  const { EgressAttachments } = await import('./tc-attach.ts')
  const { attachToFolder, cgroupOfTargets } = await import('./cgroup-programs.ts')
  const tagging = indices.some((index) => context.rules[index]?.targets !== undefined)
  const network = await NetworkObject.load(
    context,
    { dropOut: indices, dropIn: [], refuse: [] },
    ['mb_drop_out', ...(tagging ? (['mb_tag_socket'] as const) : [])],
    await listInterfaces(),
  )
  const attachments = new EgressAttachments(
    network.program('mb_drop_out'),
    choice(context, indices),
  )
  let tagger = -1
  return startNetwork(context, network, {
    tagging,
    update: (all, deleted) => attachments.update(all, deleted),
    async attach() {
      if (tagging) tagger = await attachToFolder(cgroupOfTargets(context), network, 'mb_tag_socket')
    },
    async detach() {
      if (tagger >= 0) closeSync(tagger)
      tagger = -1
      await attachments.close()
    },
  })
}

/**
 * Where to attach: what rules name; where one names none, everywhere but at ports of a bridge or bond (see
 * Interface.master).
 */
function choice(context: EngineContext, indices: readonly number[]): (each: Interface) => boolean {
  const names = new Set<string>()
  let all = false
  for (const index of indices) {
    const rule = context.rules[index]
    if (rule === undefined || rule.kind === 'syscall') continue
    if (rule.interface === undefined) all = true
    else names.add(rule.interface)
  }
  return (each) => names.has(each.name) || (all && each.master === 0)
}
