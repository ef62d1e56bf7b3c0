/** What can be told of a running process that may make it a target: the facts of one moment. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'
import { readStat } from '../kernel/proc-stat.ts'
import { bootOffset } from '../kernel/time-namespace.ts'
import { TICK_NS } from './limits.ts'

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
  /** Of the cgroup v2 hierarchy: `/a/b`; undefined where there is none. */
  readonly cgroup: string | undefined
}

/** include/linux/sched.h: a kernel thread. */
const PF_KTHREAD = 0x0020_0000
/** A comm that may have been cut: TASK_COMM_LEN without its NUL. */
const COMM_LENGTH = 15

/** Every process that our pid namespace shows, without kernel threads and without those that end meanwhile. */
export function runningProcesses(): ProcessInfo[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => processInfo(Number(name)) ?? [])
}

/** undefined: there is no such process, or it is a kernel thread or a zombie. */
export function processInfo(pid: number): ProcessInfo | undefined {
  try {
    const { comm, field } = readStat(pid)
    if (field(3) === 'Z' || field(3) === 'X' || Number(field(9)) & PF_KTHREAD) return undefined
    return {
      pid,
      parent: Number(field(4)),
      birth: BigInt(field(22)) - bootOffset() / TICK_NS,
      comm,
      names: namesOf(pid, comm),
      uid: Number(readFileSync(`/proc/${pid}/status`, 'latin1').match(/^Uid:\t(\d+)/m)?.[1]),
      cgroup: readFileSync(`/proc/${pid}/cgroup`, 'latin1').match(/^0::(.*)$/m)?.[1],
    }
  } catch {
    return undefined
  }
}

function namesOf(pid: number, comm: string): Set<string> {
  const args = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')
  const script = args
    .slice(1, 3)
    .map(lastPart)
    .find((name) => isCutTo(comm, name))
  const names = [comm, lastPart(args[0] ?? ''), executable(pid), script ?? '']
  return new Set(names.filter((name) => name !== ''))
}

/** A script's comm is its own name, its argv[0] the interpreter's; the script comes after that, or after one option. */
function isCutTo(comm: string, name: string): boolean {
  return name.length >= COMM_LENGTH && comm === name.slice(0, COMM_LENGTH)
}

/** As in bpf/process.bpf.c: what follows the last slash. */
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
