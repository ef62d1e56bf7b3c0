/** Who descends from a process, as far as our pid namespace sees it. */
import { readdirSync, readFileSync } from 'node:fs'
import { readStat } from './proc-stat.ts'

/** Everybody that it has started, and what those have started; not itself. Needs CONFIG_PROC_CHILDREN. */
export function descendants(pid: number): number[] {
  return children(pid).flatMap((child) => [child, ...descendants(child)])
}

/** The parent's id; 0 where the process is gone. */
export function parentOf(pid: number): number {
  try {
    return Number(readStat(pid).field(4))
  } catch {
    return 0
  }
}

/** Its comm, as it calls itself: any bytes, without the newline; undefined where the process is gone. */
export function nameOf(pid: number): Buffer | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`).subarray(0, -1)
  } catch {
    return undefined
  }
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

/** Empty where the process is gone. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
