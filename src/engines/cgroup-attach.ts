/** What the cgroup engine attaches to the target's own cgroup. */
import { closeSync, constants, openSync } from 'node:fs'
import { MinderbinderError } from '../errors.ts'
import { attachTypes, createLink, LinkError } from '../kernel/bpf-link.ts'
import { interfaceIndex, listInterfaces } from '../kernel/interfaces.ts'
import type { AttachedEngine, EngineContext, TargetCgroup } from './engine.ts'
import { NetworkObject, type NetworkProgram } from './network-object.ts'

const attachTypeOf = {
  mb_drop_in: attachTypes.cgroupIngress,
  mb_connect4: attachTypes.connect4,
  mb_connect6: attachTypes.connect6,
} as const

export async function attachToCgroup(
  context: EngineContext,
  indices: readonly number[],
): Promise<AttachedEngine> {
  const isRefusal = (index: number) => context.rules[index]?.kind === 'refuse-net'
  const refuse = indices.filter(isRefusal)
  const dropIn = indices.filter((index) => !isRefusal(index))
  const programs: (keyof typeof attachTypeOf)[] = [
    ...(dropIn.length > 0 ? (['mb_drop_in'] as const) : []),
    ...(refuse.length > 0 ? (['mb_connect4', 'mb_connect6'] as const) : []),
  ]
  const interfaces = await listInterfaces()
  const indexOf = (name: string) => interfaceIndex(interfaces, name)
  const rules = { dropOut: [], dropIn, refuse }
  const network = await NetworkObject.load(context, rules, programs, indexOf)
  const links: number[] = []
  const lift = async () => {
    for (const link of links.splice(0)) closeSync(link)
  }
  const close = async () => {
    await lift()
    network.close()
  }
  try {
    for (const program of programs) links.push(await attachTo(context.cgroup, network, program))
  } catch (error) {
    await close()
    throw error
  }
  return {
    start: () => network.start(),
    lift,
    counts: async () => network.counts(),
    lostEvents: () => network.lostEvents(),
    close,
  }
}

async function attachTo(
  target: TargetCgroup | undefined,
  network: NetworkObject,
  name: NetworkProgram & keyof typeof attachTypeOf,
): Promise<number> {
  if (!target) throw new Error('network rules need a cgroup')
  const folder = openSync(target.path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    return await createLink(network.program(name), folder, attachTypeOf[name])
  } catch (error) {
    if (!(error instanceof LinkError)) throw error
    throw new MinderbinderError(
      'MB_ATTACH',
      `${name} does not attach to cgroup ${target.path}: ${error.message}`,
      {
        hint: 'a program on a cgroup above that allows no others (bpftool cgroup tree shows it) may be in the way',
        cause: error,
      },
    )
  } finally {
    closeSync(folder)
  }
}
