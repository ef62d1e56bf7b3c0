/** The log of injections: `--log FILE`. */
import { architecture } from '../kernel/architecture.ts'
import { decodeEvent } from '../report/event.ts'
import { type LogContext, logLine } from '../report/log.ts'
import type { Rule } from '../rules/rule.ts'
import { syscallName } from '../rules/syscalls.ts'
import type { OutputFile } from './output-file.ts'

export class InjectionLog {
  readonly #file: OutputFile
  readonly #rules: readonly Rule[]
  readonly #context: LogContext
  #pending = ''
  #flushing = false

  constructor(
    file: OutputFile,
    rules: readonly Rule[],
    seed: bigint,
    interfaceName: (index: number) => string | undefined,
  ) {
    this.#file = file
    this.#rules = rules
    this.#context = {
      seed,
      syscall: (number) => syscallName(number, architecture),
      interface: interfaceName,
    }
  }

  /** Lines of one burst are written at once, and before anything else happens. */
  add(bytes: Buffer): void {
    const event = decodeEvent(bytes)
    this.#pending += `${logLine(event, this.#rules, this.#context)}\n`
    if (this.#flushing) return
    this.#flushing = true
    setImmediate(() => this.flush())
  }

  /** @throws {MinderbinderError} MB_OUTPUT: not all of it could be written */
  close(): void {
    this.flush()
    this.#file.close()
  }

  /** Writes what has been added. */
  flush(): void {
    this.#flushing = false
    this.#file.write(this.#pending)
    this.#pending = ''
  }
}
