/** A cgroup for the command: made, entered and emptied, with the code that exec uses. */
import { ownCgroup } from '../kernel/cgroup/place.ts'
import { errnoName } from '../kernel/ffi.ts'
import { isTurnedOff } from '../kernel/no-feature.ts'
import { type Check, no, type Question, turnedOff, unknown, yes } from './check.ts'
import type { Facts } from './facts.ts'
import { refused } from './refusal.ts'
import { Trial } from './trial.ts'

const place: Question = {
  id: 'cgroup-place',
  group: 'cgroups',
  title: 'cgroup v2',
  cost: 'no network faults; system call faults work without it',
  remedy: 'mount it: mount -t cgroup2 none /sys/fs/cgroup/unified',
}

const write: Question = {
  id: 'cgroup-write',
  group: 'cgroups',
  title: 'a cgroup can be made and entered',
  cost: 'no network faults; system call faults work without it',
  remedy: 'sudo minderbinder …; in a container, mount /sys/fs/cgroup writable',
}

const kill: Question = {
  id: 'cgroup-kill',
  group: 'cgroups',
  title: 'cgroup.kill',
  cost: 'what a failed start leaves is frozen and killed one by one, which takes longer',
  remedy: 'Linux 5.14',
}

export interface CgroupResult {
  readonly checks: Check[]
  /** The caller closes it. */
  readonly trial: Trial | undefined
}

export async function tryCgroup(facts: Facts): Promise<CgroupResult> {
  const found = placeCheck(facts)
  try {
    const trial = await Trial.open()
    if (trial.entered === 0)
      return { trial, checks: [found, yes(write, `${trial.cgroup.parent}: made and entered`)] }
    await trial.close()
    return { trial: undefined, checks: [found, notEntered(trial)] }
  } catch (error) {
    return { trial: undefined, checks: [found, refused(write, error, facts)] }
  }
}

/** After everything else: it ends the trial's process. */
export async function tryKill(trial: Trial | undefined): Promise<Check> {
  if (isTurnedOff('cgroup.kill')) return turnedOff(kill, 'cgroup.kill')
  if (!trial) return unknown(kill, 'there is no cgroup to try it on')
  return (await trial.kill())
    ? yes(kill, 'a process was killed by it')
    : no(kill, 'the cgroup has no such file, or no process died')
}

function placeCheck(facts: Facts): Check {
  try {
    return yes(place, `we are in ${ownCgroup().path}`)
  } catch (error) {
    return refused(place, error, facts)
  }
}

function notEntered({ cgroup, entered }: Trial): Check {
  const what = `${cgroup.parent}: made, but not entered`
  if (entered === undefined) return unknown(write, `${what}: the probe did not run`)
  return no(write, `${what}: ${errnoName(entered)}`, {
    reason: 'a cgroup can be made, but not entered',
    remedy:
      'cgroup.procs of our own cgroup must be writable too: sudo, or systemd-run --scope -p Delegate=yes',
  })
}
