/** The fresh cgroup that the child starts in. */
import { MinderbinderError } from '../errors.ts'
import {
  type ChildCgroup,
  createCgroup,
  destroyCgroup,
  releaseCgroup,
  sweepCgroups,
} from '../kernel/cgroup/cgroup.ts'
import { processIdentity } from '../kernel/process/identity.ts'
import type { Home } from '../launch/home.ts'
import type { CommandPlan } from './plan.ts'

/**
 * Named after its owner: the front, which outlives this process and removes it if this process is killed, or this process
 * itself, whose supervisor does that.
 * Network faults find their target by it. System call faults do without where none can be made, as for an
 * ordinary user or in a container: the supervisor finds the tree as its subreaper.
 *
 * @throws {MinderbinderError} MB_NO_CGROUP2, MB_NO_PERMISSION, MB_CGROUP
 */
export async function openCgroup(plan: CommandPlan, home: Home): Promise<ChildCgroup | undefined> {
  const owner = processIdentity(home.owner)
  const network = plan.rules.find(({ kind }) => kind !== 'syscall')
  if (!owner) throw new MinderbinderError('MB_LAUNCHER', 'its launcher process died')
  await sweepCgroups()
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

/** Processes that the child left behind go on in our own cgroup; after a failed start they are killed. */
export async function closeCgroup(cgroup: ChildCgroup, childEnded: boolean): Promise<void> {
  await (childEnded ? releaseCgroup(cgroup) : destroyCgroup(cgroup.path))
}
