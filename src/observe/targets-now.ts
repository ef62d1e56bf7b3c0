/** The processes that are targets at this moment, for display. */
import type { ChildCgroup } from '../kernel/cgroup/cgroup.ts'
import { members } from '../kernel/cgroup/members.ts'
import { descendants, nameOf, parentOf } from '../kernel/process/tree.ts'
import type { TargetActivity } from '../report/activity.ts'
import { oneLine, printable } from '../report/printable.ts'
import type { Rule } from '../rules/rule.ts'
import type { TargetSet } from '../targets/target-set.ts'
import type { TargetsNow } from './sampler.ts'

/** As many as a tall terminal shows. */
const TARGETS_SHOWN = 60

/** Of the machine. */
export function targetsOfSet(set: TargetSet, rules: readonly Rule[]): TargetsNow {
  const { count, youngest } = set.youngest(TARGETS_SHOWN)
  const shown = youngest.flatMap(({ pid, rules: rows }) =>
    shownAs(
      pid,
      rows.map((row) => rules[row - set.firstRow]?.label ?? ''),
    ),
  )
  return { count, youngest: shown }
}

/**
 * Of a command: its cgroup's processes or, without one, all descendants of the supervisor, their subreaper.
 *
 * @param child its first process
 * @param rules those in force
 */
export function targetsOfCommand(
  cgroup: ChildCgroup | undefined,
  child: number,
  rules: () => readonly Rule[],
): () => TargetsNow {
  const root = cgroup ? 0 : parentOf(child)
  return () => {
    // Only the engine knows which processes a rule with targets applies to.
    const labels = rules().flatMap(({ targets, label }) => (targets === undefined ? [label] : []))
    const pids = cgroup ? members(cgroup.path) : root > 1 ? descendants(root) : []
    // The highest numbers are the youngest, but for the moment when the kernel begins again at the lowest.
    const youngest = [...pids].sort((a, b) => b - a).slice(0, TARGETS_SHOWN)
    return { count: pids.length, youngest: youngest.flatMap((pid) => shownAs(pid, labels)) }
  }
}

/** Nothing if it has just ended. */
function shownAs(pid: number, rules: readonly string[]): TargetActivity[] {
  const name = nameOf(pid)
  return name === undefined ? [] : [{ pid, name: oneLine(printable(name)), rules }]
}
