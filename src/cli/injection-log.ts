/** The log of injections: `--log FILE`. */
import { architecture } from '../kernel/architecture.ts'
import { decodeEvent, eventOffsets } from '../report/event.ts'
import { type LogContext, logLine } from '../report/log.ts'
import { syscallName } from '../rules/names/syscalls.ts'
import type { Rule, Slot } from '../rules/rule.ts'
import type { LogFile } from './log-file.ts'

/** Those of one set of rules. */
export class InjectionLog {
  readonly #file: LogFile
  readonly #rules: Rule[]
  readonly #context: LogContext
  /** Of rules that do not draw by the session's. */
  readonly #seeds = new Map<Slot, bigint>()
  /** Injections of rules that are in force before we hear of them. */
  #early: Buffer[] = []

  constructor(
    file: LogFile,
    rules: readonly Rule[],
    seed: bigint,
    interfaceName: (index: number) => string | undefined,
  ) {
    this.#file = file
    this.#rules = [...rules]
    this.#context = {
      seed,
      syscall: (number) => syscallName(number, architecture),
      interface: interfaceName,
    }
  }

  /** Rules that were added while the command runs. */
  addRules(
    slots: readonly Slot[],
    rules: readonly Rule[],
    seeds: ReadonlyMap<Slot, bigint> = new Map(),
  ): void {
    for (const [slot, seed] of seeds) this.#seeds.set(slot, seed)
    for (const [at, slot] of slots.entries()) this.#rules[slot] = rules[at]!
    const early = this.#early
    this.#early = []
    for (const bytes of early) this.add(bytes)
  }

  add(bytes: Buffer): void {
    const slot = bytes.readUInt32LE(eventOffsets.rule)
    const seed = this.#seeds.get(slot) ?? this.#context.seed
    if (this.#rules[slot] === undefined) this.#early.push(Buffer.from(bytes))
    else if (this.#file.full) this.#file.drop()
    else this.#file.add(logLine(decodeEvent(bytes), this.#rules, { ...this.#context, seed }))
  }
}
