/** Which process is meant, for longer than its number is: what is left behind is named after its owner. */
import { readlinkSync } from 'node:fs'
import { readStat } from './proc-stat.ts'

export interface ProcessIdentity {
  /** Inode of the pid namespace in which `pid` counts. */
  readonly pidNamespace: string
  readonly pid: number
  /** Clock ticks since boot, field 22 of /proc/PID/stat (proc(5)). */
  readonly startTime: string
}

/** undefined where there is no such process, or it is a zombie: what it held is given back by then. */
export function processIdentity(pid: number): ProcessIdentity | undefined {
  const startTime = startTimeOf(pid)
  return startTime === undefined ? undefined : { pidNamespace: pidNamespace(), pid, startTime }
}

/**
 * `alive` and `dead` are certain; of another pid namespace's processes nothing is known (`foreign`).
 */
export function stateOf(identity: ProcessIdentity): 'alive' | 'dead' | 'foreign' {
  if (identity.pidNamespace !== pidNamespace()) return 'foreign'
  return startTimeOf(identity.pid) === identity.startTime ? 'alive' : 'dead'
}

export function pidNamespace(): string {
  return readlinkSync('/proc/self/ns/pid').replace(/\D/g, '')
}

function startTimeOf(pid: number): string | undefined {
  try {
    const { field } = readStat(pid)
    return field(3) === 'Z' || field(3) === 'X' ? undefined : field(22)
  } catch {
    return undefined
  }
}
