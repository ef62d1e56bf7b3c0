/** The descendants of a process, as far as our pid namespace sees it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { readStat } from './proc-stat.ts'

/** Every process that it has started, and what those have started; not itself. */
export function descendants(pid: number): number[] {
  const childrenOf = existsSync('/proc/thread-self/children') ? children : childrenByParent()
  const found: number[] = []
  const left = [pid]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const started = childrenOf(next)
    found.push(...started)
    left.push(...started)
  }
  return found
}

/** The parent's id; 0 if the process is gone. */
export function parentOf(pid: number): number {
  try {
    return Number(readStat(pid).field(4))
  } catch {
    return 0
  }
}

/** Its comm, as it calls itself: any bytes, without the newline; undefined if the process is gone. */
export function nameOf(pid: number): Buffer | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`).subarray(0, -1)
  } catch {
    return undefined
  }
}

/** Without CONFIG_PROC_CHILDREN: reads the parent of every process. */
function childrenByParent(): (pid: number) => readonly number[] {
  const pids = entries('/proc').map(Number).filter(Boolean)
  const byParent = new Map<number, number[]>()
  for (const pid of pids) {
    const parent = parentOf(pid)
    byParent.set(parent, [...(byParent.get(parent) ?? []), pid])
  }
  return (pid) => byParent.get(pid) ?? []
}

/** A child belongs to the thread that made it. */
function children(pid: number): number[] {
  return entries(`/proc/${pid}/task`).flatMap((thread) =>
    read(`/proc/${pid}/task/${thread}/children`).split(' ').map(Number).filter(Boolean),
  )
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** Empty if the process is gone. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
