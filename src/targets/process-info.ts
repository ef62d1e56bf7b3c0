/** What can be told of a running process that may make it a target: the facts of one moment. */
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs'
import { basename } from 'node:path'
import { parseCgroupFile } from '../kernel/cgroup/place.ts'
import { readStat } from '../kernel/process/proc-stat.ts'
import { bootOffset } from '../kernel/process/time-namespace.ts'
import { TARGET_NAME_MAX, TICK_NS } from './limits.ts'
import { gainedPrivileges } from './privileges.ts'

export interface ProcessInfo {
  readonly pid: number
  readonly parent: number
  /** Since boot as the kernel counts, in clock ticks: tells a process id that was used again. */
  readonly birth: bigint
  readonly comm: string
  /**
   * Its comm, the base names of its argv[0], of its executable and, for a script, of the script; one character a
   * byte (latin1).
   */
  readonly names: ReadonlySet<string>
  /** Real user id. */
  readonly uid: number
  /** Of the cgroup v2 hierarchy: `/a/b`; undefined if there is none. */
  readonly cgroup: string | undefined
  /** By its exec, or that of the process it was forked from. */
  readonly gainedPrivileges: boolean
}

/** include/linux/sched.h: a kernel thread. */
const PF_KTHREAD = 0x0020_0000
/** A comm that may have been cut: TASK_COMM_LEN without its NUL. */
const COMM_LENGTH = 15
/** PATH_MAX, NUL included: of an argument no more is looked at (GLOB_TEXT_MAX of bpf/glob.h). */
const ARGUMENT_MAX = 4096

/** Every process id that our pid namespace shows. */
export function processIds(): number[] {
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []))
}

/** undefined: there is no such process, or it is a kernel thread or a zombie. */
export function processInfo(pid: number): ProcessInfo | undefined {
  try {
    const { comm, field } = readStat(pid)
    if (field(3) === 'Z' || field(3) === 'X' || Number(field(9)) & PF_KTHREAD) return undefined
    return {
      pid,
      parent: Number(field(4)),
      birth: birthIn(field),
      comm,
      names: namesOf(pid, comm),
      uid: Number(readFileSync(`/proc/${pid}/status`, 'latin1').match(/^Uid:\t(\d+)/m)?.[1]),
      cgroup: parseCgroupFile(readFileSync(`/proc/${pid}/cgroup`, 'latin1')),
      gainedPrivileges: gainedPrivileges(pid),
    }
  } catch {
    return undefined
  }
}

function birthIn(field: (number: number) => string): bigint {
  return BigInt(field(22)) - bootOffset() / TICK_NS
}

/** undefined: there is no such process. */
export function birthOf(pid: number): bigint | undefined {
  try {
    return birthIn(readStat(pid).field)
  } catch {
    return undefined
  }
}

function namesOf(pid: number, comm: string): Set<string> {
  const args = startOf(`/proc/${pid}/cmdline`, 3 * ARGUMENT_MAX)
    .split('\0')
    .map((argument) => argument.slice(0, ARGUMENT_MAX - 1))
  const script = args
    .slice(1, 3)
    .map(lastPart)
    .find((name) => isCutTo(comm, name))
  const names = [comm, lastPart(args[0] ?? ''), executable(pid), script ?? '']
  return new Set(names.filter(Boolean).map((name) => name.slice(0, TARGET_NAME_MAX - 1)))
}

/** The first bytes of a file: a command line may have megabytes, and is its process's to choose. */
function startOf(file: string, size: number): string {
  const bytes = Buffer.alloc(size)
  const fd = openSync(file, 'r')
  try {
    let length = 0
    // One read() of /proc gives what fits into a page or so.
    for (let read = -1; read !== 0 && length < size; length += read)
      read = readSync(fd, bytes, length, size - length, null)
    return bytes.toString('latin1', 0, length)
  } finally {
    closeSync(fd)
  }
}

/** A script's comm is its own name, its argv[0] the interpreter's; the script comes after that, or after one option. */
function isCutTo(comm: string, name: string): boolean {
  return name.length >= COMM_LENGTH && comm === name.slice(0, COMM_LENGTH)
}

/** As in bpf/match.bpf.h: what follows the last slash. */
function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function executable(pid: number): string {
  try {
    const target = readlinkSync(`/proc/${pid}/exe`, 'latin1')
    return basename(target.replace(/ \(deleted\)$/, ''))
  } catch {
    return '' // it ends, or is none of ours to look at
  }
}
