/** What the cgroup engine attaches to the target's own cgroup, or to the root of all. */
import { closeSync } from 'node:fs'
import { listInterfaces } from '../../kernel/network/interfaces.ts'
import type { AttachedEngine, EngineContext } from '../engine.ts'
import { attachToFolder, type CgroupProgram, cgroupOfTargets } from './cgroup-programs.ts'
import { NetworkObject } from './object.ts'
import { interfaceOf } from './settings.ts'
import { startNetwork } from './start.ts'

export async function attachToCgroup(
  context: EngineContext,
  indices: readonly number[],
): Promise<AttachedEngine> {
  const isRefusal = (index: number) => context.rules[index]?.kind === 'refuse-net'
  const refuse = indices.filter(isRefusal)
  const dropIn = indices.filter((index) => !isRefusal(index))
  // A connection is its caller's, a packet its socket's.
  const tagging = dropIn.some((index) => context.rules[index]?.targets !== undefined)
  // An interface's index is another's in another network namespace, so sockets of those get a tag, too.
  const bound = dropIn.some((index) => interfaceOf(context.rules[index]) !== undefined)
  const programs: CgroupProgram[] = [
    ...(tagging || bound ? (['mb_tag_socket'] as const) : []),
    ...(dropIn.length > 0 ? (['mb_drop_in'] as const) : []),
    ...(refuse.length > 0 ? (['mb_connect4', 'mb_connect6'] as const) : []),
  ]
  const rules = { dropOut: [], dropIn, refuse }
  const network = await NetworkObject.load(context, rules, programs, await listInterfaces())
  const links: number[] = []
  return startNetwork(context, network, {
    tagging,
    async attach() {
      const folder = cgroupOfTargets(context)
      for (const program of programs) links.push(await attachToFolder(folder, network, program))
    },
    async detach() {
      for (const link of links.splice(0)) closeSync(link)
    },
  })
}
