/** Packets that the target sends are lost at tc egress. */
import { closeSync } from 'node:fs'
import type { Rule } from '../../rules/rule.ts'
import type { AttachedEngine, Engine, EngineContext } from '../engine.ts'
import type { NetworkProgram } from './object.ts'

export const tc: Engine = { name: 'tc', refusal, attach }

function refusal(rule: Rule): string | undefined {
  if (rule.kind !== 'drop-net') return 'tc loses packets and does nothing else'
  return rule.direction === 'out' ? undefined : 'tc has only the packets that go out'
}

async function attach(context: EngineContext, indices: readonly number[]): Promise<AttachedEngine> {
  // Imported here: a start without network rules does not wait for it.
  const { listInterfaces } = await import('../../kernel/network/interfaces.ts')
  const { startNetwork } = await import('./start.ts')
  const { NetworkObject } = await import('./object.ts')
  const { interfaceOf } = await import('./settings.ts')
  const { EgressAttachments } = await import('./tc-attach.ts')
  const { attachToFolder, cgroupOfTargets } = await import('./cgroup-programs.ts')
  const names = indices.map((index) => interfaceOf(context.rules[index]))
  const [named, unnamed] = [names.some((each) => each !== undefined), names.includes(undefined)]
  // Without targets it tells of what is out of reach.
  const tagging = indices.some((index) => context.rules[index]?.targets !== undefined)
  const programs: NetworkProgram[] = [
    'mb_drop_out',
    // A port of which a rule has the name, while others are for all interfaces.
    ...(named && unnamed ? (['mb_drop_port'] as const) : []),
    'mb_tag_socket',
  ]
  const network = await NetworkObject.load(
    context,
    { dropOut: indices, dropIn: [], refuse: [] },
    programs,
    await listInterfaces(),
  )
  const attachments = new EgressAttachments(({ name, master }) => {
    if (master !== 0 && unnamed)
      return names.includes(name) ? network.program('mb_drop_port') : undefined
    return unnamed || names.includes(name) ? network.program('mb_drop_out') : undefined
  })
  let tagger = -1
  return startNetwork(context, network, {
    tagging,
    update: (all, deleted) => attachments.update(all, deleted),
    async attach() {
      tagger = await attachToFolder(cgroupOfTargets(context), network, 'mb_tag_socket')
    },
    async detach() {
      if (tagger >= 0) closeSync(tagger)
      tagger = -1
      await attachments.close()
    },
  })
}
