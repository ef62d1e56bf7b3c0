/** The fresh cgroup that the child starts in. */
import { MinderbinderError } from '../errors.ts'
import {
  type ChildCgroup,
  createCgroup,
  destroyCgroup,
  releaseCgroup,
  sweepCgroups,
} from '../kernel/cgroup/cgroup.ts'
import { monotonicMs } from '../kernel/monotonic.ts'
import { processIdentity } from '../kernel/process/identity.ts'
import type { Home } from '../launch/home.ts'
import type { Rule } from '../rules/rule.ts'
import type { CommandPlan } from './plan.ts'

/** Between two searches for what others left: that can wait. */
const SWEEP_PAUSE_MS = 1_000

/**
 * Named after its owner: the front, which outlives this process and removes it if this process is killed, or this process
 * itself, whose supervisor does that.
 * Network faults find their target by it. System call faults need none where it cannot be made, as for an
 * ordinary user or in a container: the supervisor finds the tree as its subreaper.
 *
 * @throws {MinderbinderError} MB_NO_CGROUP2, MB_NO_PERMISSION, MB_CGROUP
 */
export async function openCgroup(plan: CommandPlan, home: Home): Promise<ChildCgroup | undefined> {
  const owner = processIdentity(home.owner)
  const network = firstOfNetwork(plan)
  if (!owner) throw new MinderbinderError('MB_LAUNCHER', 'its launcher process died')
  await sweepAtTimes()
  try {
    return createCgroup(owner, (path) => home.announceCgroup(path))
  } catch (error) {
    if (!(error instanceof MinderbinderError)) throw error
    if (!network) return undefined
    if (error.code !== 'MB_NO_PERMISSION') throw error
    throw new MinderbinderError('MB_NO_PERMISSION', `${network.source} needs root`, {
      hint: 'try sudo minderbinder exec …, with -u NAME to run the command as that user',
      cause: error,
    })
  }
}

/** The first rule that finds its target by the cgroup. */
function firstOfNetwork({ rules, engines }: CommandPlan): Rule | undefined {
  const [index] = [...engines].flatMap(([{ name }, indices]) =>
    name === 'tc' || name === 'cgroup' ? indices : [],
  )
  return index === undefined ? undefined : rules[index]
}

let lastSweep: number | undefined

/** At the first run of this process, and then for many at once. */
async function sweepAtTimes(): Promise<void> {
  const now = monotonicMs()
  if (lastSweep !== undefined && now - lastSweep < SWEEP_PAUSE_MS) return
  lastSweep = now
  await sweepCgroups()
}

/** Moves processes that the child left behind into our own cgroup; kills them after a failed start. */
export async function closeCgroup(cgroup: ChildCgroup, childEnded: boolean): Promise<void> {
  await (childEnded ? releaseCgroup(cgroup) : destroyCgroup(cgroup.path))
}
