/**
 * BPF programs aimed at the child's cgroup: by its id, and by how deep it lies below the real root, which a cgroup
 * namespace hides from us. Its parent is our own cgroup, and we learn that one's depth by running a BPF program once.
 */
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ChildCgroup } from '../cgroup/cgroup.ts'

/** LEVEL_MAX of bpf/self.bpf.h and bpf/network.bpf.c: what those programs answer if they do not find it. */
const LEVEL_MAX = 64

/**
 * @param point writes the id and the depth of a cgroup to where the programs look them up
 * @param ask runs the program that finds the depth of the cgroup that was pointed at; undefined: it could not be run
 */
export async function aim(
  cgroup: ChildCgroup,
  point: (id: bigint, level: number) => void,
  ask: () => Promise<number | undefined>,
): Promise<void> {
  point(statSync(dirname(cgroup.path), { bigint: true }).ino, 0)
  point(cgroup.id, levelBelow(await ask(), cgroup))
}

/** Pure. @param parent the answer; without one, what our cgroup namespace shows has to do */
export function levelBelow(
  parent: number | undefined,
  { level }: Pick<ChildCgroup, 'level'>,
): number {
  return parent === undefined || parent >= LEVEL_MAX ? level : parent + 1
}
