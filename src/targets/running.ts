/** The processes that run; looks again only at those to which something has happened since the last look. */
import { type ProcessInfo, processIds, processInfo } from './process-info.ts'

/** Processes that are looked at in one go: anything else, a signal that ends us, has to wait for that long. */
const AT_ONCE = 200

/** CHANGES_MAX of bpf/process.bpf.c: a power of two. */
export const CHANGES_MAX = 65_536

/** How often each process has come to be, exec'd or ended, by the low bits of its id. */
export type Changes = Uint32Array

interface Look {
  /** undefined: a kernel thread, or a zombie. */
  readonly process: ProcessInfo | undefined
  /** Its changes before it was looked at, and those of its parent. */
  readonly own: number
  readonly ofParent: number
}

export class RunningProcesses {
  readonly #changes: () => Changes
  #known = new Map<number, Look>()
  /** As of the last look. */
  #seen: Changes | undefined

  /** @param changes as of now, counted by the kernel side since before the first look; without it there is only one look */
  constructor(changes: () => Changes = () => new Uint32Array(CHANGES_MAX)) {
    this.#changes = changes
  }

  /** As of now. A process that is as it was is the same object. */
  async look(): Promise<ProcessInfo[]> {
    const changes = this.#changes()
    this.#seen = changes
    const now = new Map<number, Look>()
    let looked = 0
    for (const pid of processIds()) {
      const known = this.#known.get(pid)
      if (known && isCurrent(known, pid, changes)) {
        now.set(pid, known)
        continue
      }
      looked += 1
      if (looked % AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve))
      const process = processInfo(pid)
      now.set(pid, { process, own: at(changes, pid), ofParent: at(changes, process?.parent ?? 0) })
    }
    this.#known = now
    return this.#found()
  }

  /** The same soon after look(), when it is likely that nothing has happened: a process that begins is a change, too. */
  async lookAgain(): Promise<ProcessInfo[]> {
    return this.#seen && areEqual(this.#seen, this.#changes()) ? this.#found() : this.look()
  }

  /** Says of a process that look() gave whether nothing has happened to it since. */
  unchanged(): (process: ProcessInfo) => boolean {
    const changes = this.#changes()
    return ({ pid }) => {
      const known = this.#known.get(pid)
      return known !== undefined && known.own === at(changes, pid)
    }
  }

  #found(): ProcessInfo[] {
    return [...this.#known.values()].flatMap(({ process }) => process ?? [])
  }
}

function areEqual(before: Changes, now: Changes): boolean {
  return Buffer.compare(bytesOf(before), bytesOf(now)) === 0
}

function bytesOf({ buffer, byteOffset, byteLength }: Changes): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

/** A parent that ends leaves its children to another one. */
function isCurrent({ process, own, ofParent }: Look, pid: number, now: Changes): boolean {
  return own === at(now, pid) && (!process || ofParent === at(now, process.parent))
}

function at(changes: Changes, pid: number): number {
  return changes[pid % CHANGES_MAX] ?? 0
}
