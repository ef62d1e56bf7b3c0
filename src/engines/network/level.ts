/** How deep the target's cgroup lies below the real root, which a cgroup namespace hides from us. */
import type { BpfObject } from '../../kernel/bpf/object.ts'
import { testRun } from '../../kernel/bpf/test-run.ts'
import type { TargetCgroup } from '../engine.ts'
import { levelBelow, parentId } from '../target-level.ts'
import type { Session } from './settings.ts'

/**
 * Asks the kernel for the depth of the cgroup's parent, which is our own: the socket that belongs to a test
 * run of a program is in the cgroup of its caller. Changes the session's target.
 */
export async function cgroupLevel(
  object: BpfObject,
  session: Session,
  cgroup: TargetCgroup,
): Promise<number> {
  session.setTarget(parentId(cgroup), 0)
  return levelBelow(await testRun(object.program('mb_level')), cgroup)
}
