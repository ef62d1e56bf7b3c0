/** How deep the target's cgroup lies below the real root, which a cgroup namespace hides from us. */
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { BpfObject } from '../kernel/bpf-object.ts'
import { testRun } from '../kernel/bpf-test-run.ts'
import type { TargetCgroup } from './engine.ts'
import type { Session } from './network-settings.ts'

/** LEVEL_MAX of bpf/network.bpf.c: what mb_level answers where it does not find the cgroup. */
const LEVEL_MAX = 64

/**
 * Asks the kernel for the depth of the cgroup's parent, which is our own: the socket that belongs to a test
 * run of a program is in the cgroup of its caller. Changes the session's target.
 */
export async function cgroupLevel(
  object: BpfObject,
  session: Session,
  cgroup: TargetCgroup,
): Promise<number> {
  session.setTarget(statSync(dirname(cgroup.path), { bigint: true }).ino, 0)
  const level = await testRun(object.program('mb_level'))
  return level === undefined || level >= LEVEL_MAX ? cgroup.level : level + 1
}
