/** The processes in a cgroup and in those below it. */
import { closeSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Deadline } from '../deadline.ts'
import { errnoCode } from '../errno-code.ts'
import { isTurnedOff } from '../no-feature.ts'
import { isAlive, killByPidfd, openPidfd } from '../process/pidfd.ts'
import { sleep } from '../sleep.ts'
import { visitCgroups } from './tree.ts'

const KILL_RETRY_MS = 2

/** Process ids, as many as can be seen from our pid namespace. */
export function members(path: string): number[] {
  const pids: number[] = []
  visitCgroups(path, (folder) => {
    try {
      // Processes of a pid namespace beside or above ours read as 0, which would mean ourselves in a write.
      const listed = readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n')
      for (const pid of listed.map(Number)) if (pid !== 0) pids.push(pid)
    } catch (error) {
      // ENOTSUP: a threaded cgroup, whose processes are listed further up (cgroups(7), "Thread mode").
      if (!['ENOENT', 'ENODEV', 'ENOTSUP'].includes(errnoCode(error))) throw error
    }
  })
  return pids
}

/** Moves every process to another cgroup; one that is forked meanwhile is left for the next call. */
export async function moveMembers(from: string, to: string): Promise<void> {
  await forEachMember(from, (pid) => {
    try {
      writeFileSync(join(to, 'cgroup.procs'), String(pid))
    } catch (error) {
      if (errnoCode(error) !== 'ESRCH') throw error // it has ended
    }
  })
}

/** Kills every process, faster than they can fork; ends when none is left, or at the deadline. */
export async function killMembers(path: string, deadline: Deadline): Promise<void> {
  const killFile = join(path, 'cgroup.kill') // Linux 5.14
  if (existsSync(killFile) && !isTurnedOff('cgroup.kill')) {
    write(killFile, '1')
  } else {
    // Frozen processes do not fork, and SIGKILL ends them all the same.
    write(join(path, 'cgroup.freeze'), '1')
    while (members(path).length > 0 && !deadline.passed) {
      await forEachMember(path, (_, pidfd) => killByPidfd(pidfd))
      await sleep(KILL_RETRY_MS)
    }
    write(join(path, 'cgroup.freeze'), '0')
  }
  while (members(path).length > 0 && !deadline.passed) await sleep(KILL_RETRY_MS)
}

/**
 * Calls `act` for each member while its number cannot be another's: the process that the descriptor stands for had it
 * when the cgroup was read again, and lives.
 */
async function forEachMember(
  path: string,
  act: (pid: number, pidfd: number) => void,
): Promise<void> {
  const listed = members(path)
  // Held open some at a time, so that the list is read again some times and not for each of them.
  for (let at = 0; at < listed.length; at += HELD_MAX) {
    const held = new Map<number, number>()
    try {
      for (const pid of listed.slice(at, at + HELD_MAX)) {
        const pidfd = await openPidfd(pid)
        if (pidfd >= 0) held.set(pid, pidfd)
      }
      const still = new Set(members(path))
      for (const [pid, pidfd] of held) if (still.has(pid) && isAlive(pidfd)) act(pid, pidfd)
    } finally {
      for (const pidfd of held.values()) closeSync(pidfd)
    }
  }
}

const HELD_MAX = 200

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text)
  } catch (error) {
    if (!['ENOENT', 'ENODEV'].includes(errnoCode(error))) throw error // removed by another
  }
}
