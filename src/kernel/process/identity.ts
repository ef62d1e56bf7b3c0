/** Which process is meant, for longer than its number is: what is left behind is named after its owner. */
import { readlinkSync } from 'node:fs'
import { errnoCode } from '../errno-code.ts'
import { readStat } from './proc-stat.ts'

export interface ProcessIdentity {
  /** Inode of the pid namespace in which `pid` counts. */
  readonly pidNamespace: string
  /** Inode of the time namespace in which `startTime` counts (time_namespaces(7)); 0 if the kernel has none. */
  readonly timeNamespace: string
  readonly pid: number
  /** Clock ticks since boot, field 22 of /proc/PID/stat (proc(5)). */
  readonly startTime: string
}

let ourselves: ProcessIdentity | undefined

/** undefined if there is no such process, or it is a zombie, which has given back what it held. */
export function processIdentity(pid: number): ProcessIdentity | undefined {
  if (pid !== process.pid) return identityOf(pid)
  ourselves ??= identityOf(pid)
  return ourselves
}

function identityOf(pid: number): ProcessIdentity | undefined {
  const found = startOf(pid)
  return typeof found === 'object' ? { ...ownNamespaces(), pid, ...found } : undefined
}

/**
 * `alive` and `dead` are certain. `unknown`: the numbers count in other namespaces than ours, or /proc does not show
 * that process (hidepid), or cannot be read now (EMFILE).
 */
export function stateOf(identity: ProcessIdentity): 'alive' | 'dead' | 'unknown' {
  const { pidNamespace, timeNamespace } = ownNamespaces()
  const isOurs =
    identity.pidNamespace === pidNamespace &&
    identity.timeNamespace === timeNamespace &&
    readlinkSync('/proc/self') === `${process.pid}` // else /proc is of another pid namespace
  const found = isOurs ? startOf(identity.pid) : 'unknown'
  if (typeof found !== 'object') return found
  return found.startTime === identity.startTime ? 'alive' : 'dead'
}

/** `PIDNS-TIMENS-PID-STARTTIME` with that separator, for names. */
export function identityText(identity: ProcessIdentity, separator: string): string {
  const { pidNamespace, timeNamespace, pid, startTime } = identity
  return [pidNamespace, timeNamespace, pid, startTime].join(separator)
}

/** From the four parts of such a name. */
export function identityFrom(parts: readonly string[]): ProcessIdentity | undefined {
  const [pidNamespace, timeNamespace, pid, startTime] = parts
  if (!pidNamespace || !timeNamespace || !pid || !startTime) return undefined
  return { pidNamespace, timeNamespace, pid: Number(pid), startTime }
}

function ownNamespaces(): Pick<ProcessIdentity, 'pidNamespace' | 'timeNamespace'> {
  return { pidNamespace: inodeOf('pid'), timeNamespace: inodeOf('time') }
}

function inodeOf(namespace: 'pid' | 'time'): string {
  try {
    return readlinkSync(`/proc/self/ns/${namespace}`).replace(/\D/g, '')
  } catch (error) {
    // Linux 5.6, and CONFIG_TIME_NS.
    if (namespace === 'time' && errnoCode(error) === 'ENOENT') return '0'
    throw error
  }
}

function startOf(pid: number): { readonly startTime: string } | 'dead' | 'unknown' {
  try {
    const { field } = readStat(pid)
    return field(3) === 'Z' || field(3) === 'X' ? 'dead' : { startTime: field(22) }
  } catch {
    // With hidepid (proc(5)) processes of others are not in /proc, or not readable, and kill(2) finds them still.
    return exists(pid) ? 'unknown' : 'dead'
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errnoCode(error) !== 'ESRCH'
  }
}
