/** The log of injections: `--log FILE`. */
import { closeSync, writeSync } from 'node:fs'
import { architecture } from '../kernel/architecture.ts'
import type { Interface } from '../kernel/interfaces.ts'
import { decodeEvent } from '../report/event.ts'
import { type LogNames, logLine } from '../report/log.ts'
import type { Rule } from '../rules/rule.ts'
import { syscallName } from '../rules/syscalls.ts'

const BUFFER_CHARACTERS = 1 << 16

export class InjectionLog {
  readonly #fd: number
  readonly #rules: readonly Rule[]
  readonly #names: LogNames
  #pending = ''

  /** @param fd an open file, which this object owns from now on */
  constructor(fd: number, rules: readonly Rule[], interfaces: readonly Interface[]) {
    this.#fd = fd
    this.#rules = rules
    this.#names = {
      syscall: (number) => syscallName(number, architecture),
      interface: (index) => interfaces.find((one) => one.index === index)?.name,
    }
  }

  add(bytes: Buffer, clockOffsetNs = 0n): void {
    const event = decodeEvent(bytes, clockOffsetNs)
    this.#pending += `${logLine(event, this.#rules, this.#names)}\n`
    if (this.#pending.length > BUFFER_CHARACTERS) this.#flush()
  }

  close(): void {
    this.#flush()
    closeSync(this.#fd)
  }

  #flush(): void {
    for (let rest = Buffer.from(this.#pending); rest.length > 0; )
      rest = rest.subarray(writeSync(this.#fd, rest))
    this.#pending = ''
  }
}
