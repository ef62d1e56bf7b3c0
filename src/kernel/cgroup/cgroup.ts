/** The target's own cgroup: made under ours, emptied and removed again; what a crash left is swept. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { MinderbinderError } from '../../errors.ts'
import { Deadline } from '../deadline.ts'
import { errnoCode } from '../errno-code.ts'
import { identityFrom, identityText, type ProcessIdentity, stateOf } from '../process/identity.ts'
import { sleep } from '../sleep.ts'
import { killMembers, moveMembers } from './members.ts'
import { ownCgroup } from './place.ts'
import { visitCgroups } from './tree.ts'

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
/** The same for what another left, which the next start tries again. */
const SWEEP_PATIENCE_MS = 1_000
const FORGOTTEN_MS = 10 * 60_000
const RETRY_MS = 2
const RETRY_MAX_MS = 50
/** minderbinder-PIDNS-TIMENS-PID-STARTTIME-SERIAL */
const ourName = /^minderbinder-(\d+)-(\d+)-(\d+)-(\d+)-\d+$/
let serial = 0

/**
 * A fresh cgroup under our own, named after `owner`: while that process lives, no sweep touches it.
 *
 * @param announce gets its path before it exists: what removes it after us has to know it at any moment
 * @throws {MinderbinderError} MB_NO_CGROUP2, MB_NO_PERMISSION, MB_CGROUP
 */
export function createCgroup(
  owner: ProcessIdentity,
  announce: (path: string) => void = () => {},
): ChildCgroup {
  const own = ownCgroup()
  serial += 1
  const name = `minderbinder-${identityText(owner, '-')}-${serial}`
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
 * Moves the processes that are left back to where they came from, and removes the cgroup with all that were made in it.
 * Does nothing if it is gone.
 *
 * @throws {MinderbinderError} MB_CGROUP when that does not end within seconds
 */
export async function releaseCgroup(cgroup: ChildCgroup): Promise<void> {
  if (removedAtOnce(cgroup.path)) return
  await remove(cgroup.path, () => moveMembers(cgroup.path, cgroup.parent))
}

/**
 * Kills the processes that are left, and removes the cgroup with all that were made in it.
 *
 * @throws {MinderbinderError} MB_CGROUP when that does not end within seconds
 */
export async function destroyCgroup(path: string, patienceMs = PATIENCE_MS): Promise<void> {
  await killMembers(path, new Deadline(patienceMs))
  await remove(path, () => {}, patienceMs)
}

/**
 * Destroys the cgroups that minderbinders which are dead left under our own. Best effort: never throws.
 * Owners in other pid or time namespaces are not judged; but when process 1 of a pid namespace is killed, so is all that
 * would have cleaned up, and such a namespace may never come again: what is empty and old goes.
 */
export async function sweepCgroups(): Promise<void> {
  try {
    const { path } = ownCgroup()
    const abandoned: string[] = []
    for (const name of readdirSync(path)) {
      const owner = identityFrom((ourName.exec(name) ?? []).slice(1, 5))
      const state = owner && stateOf(owner)
      if (state === 'dead') abandoned.push(name)
      if (state === 'unknown') removeIfForgotten(join(path, name))
    }
    // The next sweep tries again to remove one that cannot be removed now.
    await Promise.allSettled(
      abandoned.map((name) => destroyCgroup(join(path, name), SWEEP_PATIENCE_MS)),
    )
  } catch {
    // There is no cgroup v2 here: creating one will say so.
  }
}

/** A run's cgroup is empty for moments only, when it starts and when it ends. */
function removeIfForgotten(path: string): void {
  try {
    const age = Date.now() - statSync(path).mtimeMs
    const events = readFileSync(join(path, 'cgroup.events'), 'utf8')
    if (age > FORGOTTEN_MS && events.includes('populated 0')) visitCgroups(path, rmdirSync)
  } catch {
    // It is being removed, or another program moved processes in.
  }
}

/** Most are empty at the end, with none below. */
function removedAtOnce(path: string): boolean {
  try {
    rmdirSync(path)
    return true
  } catch {
    return false // remove() says why
  }
}

/** `empty` runs before each attempt, since members may fork while they are moved. */
async function remove(
  path: string,
  empty: () => Promise<void> | void,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const deadline = new Deadline(patienceMs)
  for (let pause = RETRY_MS; ; pause = Math.min(pause * 2, RETRY_MAX_MS)) {
    try {
      await empty()
      visitCgroups(path, rmdirSync)
      return
    } catch (error) {
      const code = errnoCode(error)
      if (code === 'ENOENT') {
        if (!existsSync(path)) return
      } else if (code !== 'EBUSY' || deadline.passed) {
        throw new MinderbinderError(
          'MB_CGROUP',
          `cgroup ${path} was not removed: ${code || error}`,
          {
            hint: 'end the processes in its cgroup.procs, then rmdir it; the next minderbinder under the same cgroup tries too',
            cause: error,
          },
        )
      }
    }
    await sleep(pause)
  }
}

function creationError(parent: string, error: unknown): MinderbinderError {
  const code = errnoCode(error)
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
