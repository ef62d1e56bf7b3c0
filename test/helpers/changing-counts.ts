/** What test/fixtures/changing.c says of its calls while it goes on. */
import { closeSync, ftruncateSync, openSync, readFileSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { scratch } from './scratch.ts'
import { until } from './until.ts'

const calls = ['getpgid', 'getsid', 'openat'] as const
type Call = (typeof calls)[number]

export class ChangingCounts {
  /** Its FILE. */
  readonly file: string
  readonly #fd: number

  constructor(t: TestContext) {
    this.file = join(scratch(t), 'counts')
    this.#fd = openSync(this.file, 'w+')
    ftruncateSync(this.#fd, 4096)
    t.after(() => closeSync(this.#fd))
  }

  made(call: Call): number {
    return this.#word(3 + 3 * calls.indexOf(call))
  }

  /** How often it failed with this errno. */
  failed(call: Call, errno: 'EPERM' | 'EACCES'): number {
    return this.#word(3 + 3 * calls.indexOf(call) + (errno === 'EPERM' ? 1 : 2))
  }

  /**
   * How often it did not fail with EPERM. Both numbers from one read: calls that fail between two would be missing. A
   * thread counts the failure first, so at most one call of each is missing here.
   */
  passed(call: Call): number {
    const [made, permission] = this.#words(3 + 3 * calls.indexOf(call), 2)
    return made! - permission!
  }

  /** How often it failed with another. */
  odd(): number {
    return this.#word(2)
  }

  /** Calls that were made after the last change: so many, of each. */
  async goesOn(count = 200): Promise<void> {
    const before = calls.map((call) => this.made(call))
    await until(() => calls.every((call, at) => this.made(call) >= before[at]! + count), {
      what: 'calls go on',
    })
  }

  /** It ends by itself. */
  end(): void {
    writeSync(this.#fd, Buffer.from([1]), 0, 1, 0)
  }

  /** Of its parent: resident memory in KiB. */
  memoryOfParent(): number {
    const status = readFileSync(`/proc/${this.#word(1)}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1])
  }

  #word(index: number): number {
    return this.#words(index, 1)[0]!
  }

  #words(index: number, count: number): number[] {
    const words = new BigUint64Array(count)
    readSync(this.#fd, words, 0, words.byteLength, 8 * index)
    return [...words].map(Number)
  }
}
