/** Processes of the command that moved to another cgroup, where the faults of some engines do not reach them. */
import { type FSWatcher, readFileSync, watch } from 'node:fs'
import { join } from 'node:path'
import { parseCgroupFile } from '../kernel/cgroup/place.ts'
import { errnoCode } from '../kernel/errno-code.ts'
import { descendants, nameOf, parentOf } from '../kernel/process/tree.ts'
import { oneLine, printable } from '../report/printable.ts'

/** The note names at most this many, and counts them all. */
const NAMED_MAX = 3

/**
 * Looks when the cgroup becomes empty while the command runs, and at the end for those that are left. It misses a process
 * that moves out and ends while others stay.
 */
export class CgroupLeavers {
  readonly #faults: string
  readonly #supervisor: number
  readonly #cgroup: string
  readonly #watcher: FSWatcher | undefined
  /** By pid, what each is called. */
  readonly #found = new Map<number, string>()

  /**
   * @param path the cgroup's directory
   * @param child in it, and not yet told to exec
   * @param faults that are not for processes elsewhere, as the note calls them
   */
  constructor(path: string, child: number, faults: string) {
    this.#faults = faults
    this.#supervisor = parentOf(child)
    this.#cgroup = cgroupOf(child) ?? ''
    try {
      this.#watcher = watch(join(path, 'cgroup.events'), { persistent: false }, () => this.#look())
      this.#watcher.on('error', () => {})
    } catch (error) {
      // Out of inotify instances: those that are left at the end are found all the same.
      if (errnoCode(error) === 'ENOENT') throw error
    }
  }

  /** What a reader of the summary must know. Ends the watching. */
  notes(): string[] {
    this.#look()
    this.#watcher?.close()
    const { size } = this.#found
    if (size === 0) return []
    const named = [...this.#found].slice(0, NAMED_MAX).map(([pid, name]) => `${name} ${pid}`)
    const all = size > named.length ? [...named, '…'] : named
    const processes = size === 1 ? '1 process' : `${size} processes`
    return [
      `${processes} moved to another cgroup, where ${this.#faults} do not reach: ${all.join(', ')}`,
    ]
  }

  #look(): void {
    if (this.#supervisor <= 1 || this.#cgroup === '') return
    for (const pid of descendants(this.#supervisor)) {
      const cgroup = cgroupOf(pid)
      if (cgroup === undefined || this.#found.has(pid)) continue
      if (cgroup === this.#cgroup || cgroup.startsWith(`${this.#cgroup}/`)) continue
      const name = nameOf(pid)
      if (name !== undefined) this.#found.set(pid, oneLine(printable(name)))
    }
  }
}

/** As /proc has it; undefined if the process is gone. */
function cgroupOf(pid: number): string | undefined {
  try {
    return parseCgroupFile(readFileSync(`/proc/${pid}/cgroup`, 'latin1'))
  } catch {
    return undefined
  }
}
