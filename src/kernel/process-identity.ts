/** Which process is meant, for longer than its number is: what is left behind is named after its owner. */
import { readFileSync, readlinkSync } from 'node:fs'

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
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return undefined
  }
  // The name in parentheses may hold anything, so fields count from the last parenthesis (state is 3).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[22 - 3]
}
