/** Who is in a cgroup and in those below it. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isTurnedOff } from './no-feature.ts'
import { sleep } from './sleep.ts'

const KILL_RETRY_MS = 2

/** The directory and all below it, deepest first, as rmdir(2) wants them. */
export function cgroupTree(path: string): string[] {
  let entries: { name: string; isDirectory(): boolean }[]
  try {
    entries = readdirSync(path, { withFileTypes: true })
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
  const below = entries.filter((entry) => entry.isDirectory())
  return [...below.flatMap((entry) => cgroupTree(join(path, entry.name))), path]
}

/** Process ids, as many as can be seen from our pid namespace. */
export function members(path: string): number[] {
  return cgroupTree(path).flatMap((folder) => {
    try {
      // Processes of a pid namespace beside or above ours read as 0, which would mean ourselves in a write.
      return readFileSync(join(folder, 'cgroup.procs'), 'utf8')
        .split('\n')
        .map(Number)
        .filter(Boolean)
    } catch (error) {
      // A threaded cgroup: its processes are listed further up (cgroups(7), "Thread mode").
      if (['ENOENT', 'ENODEV', 'EOPNOTSUPP'].includes(codeOf(error))) return []
      throw error
    }
  })
}

/** Moves everybody to another cgroup; who forks meanwhile is left for the next call. */
export function moveMembers(from: string, to: string): void {
  for (const pid of members(from)) {
    try {
      writeFileSync(join(to, 'cgroup.procs'), String(pid))
    } catch (error) {
      if (codeOf(error) !== 'ESRCH') throw error // it has ended
    }
  }
}

/** Kills everybody, faster than they can fork; ends when nobody is left or at `deadline` (Date.now()). */
export async function killMembers(path: string, deadline: number): Promise<void> {
  const killFile = join(path, 'cgroup.kill') // Linux 5.14
  if (existsSync(killFile) && !isTurnedOff('cgroup.kill')) {
    write(killFile, '1')
  } else {
    // Frozen processes do not fork, and SIGKILL ends them all the same.
    write(join(path, 'cgroup.freeze'), '1')
    for (let left = members(path); left.length > 0 && Date.now() < deadline; left = members(path)) {
      for (const pid of left) kill(pid)
      await sleep(KILL_RETRY_MS)
    }
    write(join(path, 'cgroup.freeze'), '0')
  }
  while (members(path).length > 0 && Date.now() < deadline) await sleep(KILL_RETRY_MS)
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error
  }
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text)
  } catch (error) {
    if (!['ENOENT', 'ENODEV'].includes(codeOf(error))) throw error // removed by another
  }
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
