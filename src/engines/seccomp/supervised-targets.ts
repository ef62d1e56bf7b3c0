/** The targets of the rules that the supervisor does, as it gets them. */

import type { StagePlan } from '../../launch/stage-frame.ts'
import { encodeTargets } from '../../rules/encode.ts'
import type { Rule } from '../../rules/rule.ts'

/**
 * @param active indices of those rules
 * @throws {MinderbinderError} MB_CGROUP, MB_NO_CGROUP2
 */
export async function supervisedTargets(
  plan: readonly Rule[],
  active: readonly number[],
): Promise<Pick<StagePlan, 'targets' | 'targetCount' | 'cgroupRoot'>> {
  const own = new Set(active)
  // Rules keep their places: the supervisor has all of them, and is told which are its own.
  const rules = plan.map((rule, index) => (own.has(index) ? rule : withoutTargets(rule)))
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

function withoutTargets({ targets, ...rule }: Rule): Rule {
  return rule
}
