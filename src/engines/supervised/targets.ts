/** The targets of the rules that the supervisor does, as it gets them. */

import type { StagePlan } from '../../launch/stage-frame.ts'
import { encodeTargets } from '../../rules/encode.ts'
import type { Rule } from '../../rules/rule.ts'

/** @throws {MinderbinderError} MB_CGROUP, MB_NO_CGROUP2 */
export async function supervisedTargets(
  rules: readonly Rule[],
): Promise<Pick<StagePlan, 'targets' | 'targetCount' | 'cgroupRoot'>> {
  const all = rules.flatMap(({ targets = [] }) => targets)
  if (all.length === 0) return { targets: Buffer.alloc(0), targetCount: 0, cgroupRoot: '' }
  // Imported here: a start without targets does not wait for it.
  const { cgroupId } = await import('../../targets/cgroup-id.ts')
  const { cgroupRoot } = await import('../../kernel/cgroup/place.ts')
  const inCgroups = all.some(({ kind }) => kind === 'cgroup')
  return {
    targets: encodeTargets(rules, cgroupId),
    targetCount: all.length,
    cgroupRoot: inCgroups ? cgroupRoot() : '',
  }
}
