/** The target's own cgroup: made under ours, emptied and removed again; what a crash left is swept. */
import { mkdirSync, readdirSync, rmdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { MinderbinderError } from '../errors.ts'
import { cgroupTree, codeOf, killMembers, moveMembers } from './cgroup-members.ts'
import { ownCgroup } from './cgroup-place.ts'
import { type ProcessIdentity, stateOf } from './process-identity.ts'
import { sleep } from './sleep.ts'

export interface ChildCgroup {
  /** Absolute path of its directory. */
  readonly path: string
  /** What bpf_get_current_cgroup_id() and its like return for its members. */
  readonly id: bigint
  /** Depth below the root of the hierarchy (the root is 0), as far as our cgroup namespace shows it. */
  readonly level: number
  /** Our own cgroup, where its members came from. */
  readonly parent: string
}

/** Processes that were killed leave a cgroup within milliseconds; this bounds what waits for it. */
const PATIENCE_MS = 5_000
const RETRY_MS = 2
const RETRY_MAX_MS = 50
/** minderbinder-PIDNS-PID-STARTTIME-SERIAL */
const ourName = /^minderbinder-(\d+)-(\d+)-(\d+)-\d+$/
let serial = 0

/**
 * A fresh cgroup under our own, named after `owner`: while that process lives, no sweep touches it.
 *
 * @param announce hears of its path before it is there: who is to remove it after us must know of it at any moment
 * @throws {MinderbinderError} MB_NO_CGROUP2, MB_NO_PERMISSION, MB_CGROUP
 */
export function createCgroup(
  owner: ProcessIdentity,
  announce: (path: string) => void = () => {},
): ChildCgroup {
  const own = ownCgroup()
  serial += 1
  const name = `minderbinder-${owner.pidNamespace}-${owner.pid}-${owner.startTime}-${serial}`
  const path = join(own.path, name)
  announce(path)
  try {
    mkdirSync(path)
    const id = statSync(path, { bigint: true }).ino
    return { path, id, level: own.level + 1, parent: own.path }
  } catch (error) {
    throw creationError(own.path, error)
  }
}

/**
 * Moves who is left back to where they came from and removes the cgroup with all that were made in it.
 * Nothing happens where it is gone already.
 *
 * @throws {MinderbinderError} MB_CGROUP when that does not end within seconds
 */
export async function releaseCgroup(cgroup: ChildCgroup): Promise<void> {
  await remove(cgroup.path, () => moveMembers(cgroup.path, cgroup.parent))
}

/**
 * Kills who is left and removes the cgroup with all that were made in it.
 *
 * @throws {MinderbinderError} MB_CGROUP when that does not end within seconds
 */
export async function destroyCgroup(path: string): Promise<void> {
  await killMembers(path, Date.now() + PATIENCE_MS)
  await remove(path, () => {})
}

/**
 * Destroys the cgroups that minderbinders which are dead left under our own. Best effort: never throws.
 * Owners in other pid namespaces are not judged.
 */
export async function sweepCgroups(): Promise<void> {
  try {
    const { path } = ownCgroup()
    const abandoned = readdirSync(path).filter((name) => {
      const [, pidNamespace, pid, startTime] = ourName.exec(name) ?? []
      if (!pidNamespace || !pid || !startTime) return false
      return stateOf({ pidNamespace, pid: Number(pid), startTime }) === 'dead'
    })
    await Promise.all(abandoned.map((name) => destroyCgroup(join(path, name))))
  } catch {
    // Another sweep was faster, or there is no cgroup v2 here: creating one will say so.
  }
}

/** `empty` runs before each attempt, since members may fork while they are moved. */
async function remove(path: string, empty: () => void): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  for (let pause = RETRY_MS; ; pause = Math.min(pause * 2, RETRY_MAX_MS)) {
    try {
      empty()
      for (const folder of cgroupTree(path)) rmdirSync(folder)
      return
    } catch (error) {
      if (codeOf(error) === 'ENOENT') {
        if (cgroupTree(path).length === 0) return
      } else if (codeOf(error) !== 'EBUSY' || Date.now() > deadline) {
        throw new MinderbinderError('MB_CGROUP', `cgroup ${path} is left: ${codeOf(error)}`, {
          hint: 'end the processes in its cgroup.procs, then rmdir it; the next minderbinder under the same cgroup tries too',
          cause: error,
        })
      }
    }
    await sleep(pause)
  }
}

function creationError(parent: string, error: unknown): MinderbinderError {
  const code = codeOf(error)
  const root = process.geteuid?.() === 0
  if ((code === 'EACCES' || code === 'EPERM') && !root) {
    return new MinderbinderError(
      'MB_NO_PERMISSION',
      `a cgroup for the command, under ${parent}, needs root or a delegated cgroup`,
      {
        hint: 'try sudo minderbinder …, with -u NAME to run the command as that user',
        cause: error,
      },
    )
  }
  return new MinderbinderError('MB_CGROUP', `no cgroup can be made in ${parent}: ${code}`, {
    hint:
      creationHints[code] ??
      `mkdir ${join(parent, 'x')} must work: see its permissions and mount options`,
    cause: error,
  })
}

const creationHints: Readonly<Record<string, string>> = {
  EROFS:
    'cgroup v2 is mounted read-only, as containers have it: mount it writable (docker run --privileged, or -v /sys/fs/cgroup:/sys/fs/cgroup:rw)',
  EAGAIN: 'cgroup.max.depth or cgroup.max.descendants of a cgroup above allows no more',
}
