/** Programs of bpf/network.bpf.c on a cgroup: by link, so that they go when we do. */
import { closeSync, constants, openSync } from 'node:fs'
import { MinderbinderError } from '../../errors.ts'
import { attachTypes, createLink, LinkError } from '../../kernel/bpf/link.ts'
import { cgroupRoot } from '../../kernel/cgroup/place.ts'
import type { EngineContext } from '../engine.ts'
import type { NetworkObject, NetworkProgram } from './object.ts'

const attachTypeOf = {
  mb_tag_socket: attachTypes.sockCreate,
  mb_drop_in: attachTypes.cgroupIngress,
  mb_connect4: attachTypes.connect4,
  mb_connect6: attachTypes.connect6,
} as const

type CgroupProgram = keyof typeof attachTypeOf

export function isCgroupProgram(name: NetworkProgram): name is CgroupProgram {
  return name in attachTypeOf
}

/** The directory of the cgroup that every target is in. @throws {MinderbinderError} MB_NO_CGROUP2 */
export function cgroupOfTargets({ machine, cgroup }: EngineContext): string {
  if (machine) return cgroupRoot()
  if (!cgroup) throw new Error('network rules need a cgroup')
  return cgroup.path
}

/** The link's descriptor. @throws {MinderbinderError} MB_ATTACH */
export async function attachToFolder(
  path: string,
  network: NetworkObject,
  name: CgroupProgram,
): Promise<number> {
  const folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    return await createLink(network.program(name), folder, attachTypeOf[name])
  } catch (error) {
    if (!(error instanceof LinkError)) throw error
    throw new MinderbinderError(
      'MB_ATTACH',
      `${name} does not attach to cgroup ${path}: ${error.message}`,
      {
        hint: 'a program on a cgroup above that allows no others (bpftool cgroup tree shows it) may be in the way',
        cause: error,
      },
    )
  } finally {
    closeSync(folder)
  }
}
