/** The log of injections: `--log FILE`. */
import { architecture } from '../kernel/architecture.ts'
import { decodeEvent } from '../report/event.ts'
import { type LogContext, logLine } from '../report/log.ts'
import { syscallName } from '../rules/names/syscalls.ts'
import type { Rule } from '../rules/rule.ts'
import type { LogFile } from './log-file.ts'

/** Those of one set of rules. */
export class InjectionLog {
  readonly #file: LogFile
  readonly #rules: readonly Rule[]
  readonly #context: LogContext

  constructor(
    file: LogFile,
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

  add(bytes: Buffer): void {
    if (this.#file.full) this.#file.drop()
    else this.#file.add(logLine(decodeEvent(bytes), this.#rules, this.#context))
  }
}
