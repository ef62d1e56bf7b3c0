/** Rules that name an interface hold for the one that has the name: it may go and come again while they are in force. */
import { type Interface, interfaceIndex } from '../../kernel/network/interfaces.ts'
import type { Rule } from '../../rules/rule.ts'

/** No interface has this index (NOWHERE of bpf/network.bpf.c). */
const NO_INTERFACE = 0x7fff_ffff

export interface NamedInterfacesOptions {
  /** The rule is for the interface of that index from now on. */
  readonly write: (rule: number, ifindex: number) => void
  /** What people call a rule. */
  readonly label: (rule: number) => string
  /** Tells people what happened to one. */
  readonly onNotice: ((text: string) => void) | undefined
}

export class NamedInterfaces {
  /** Rule indices by the name that they have. */
  readonly #rules = new Map<string, number[]>()
  /** What is written in those rules. */
  readonly #ifindex = new Map<string, number>()
  /** How often each went away. */
  readonly #losses = new Map<string, number>()
  readonly #options: NamedInterfacesOptions

  /**
   * @param interfaces those that the rules were encoded with
   * @throws {MinderbinderError} MB_INTERFACE: there is none of a name
   */
  constructor(
    rules: readonly Rule[],
    indices: readonly number[],
    interfaces: readonly Interface[],
    options: NamedInterfacesOptions,
  ) {
    this.#options = options
    for (const index of indices) {
      const rule = rules[index]
      if (rule === undefined || rule.kind === 'syscall' || rule.interface === undefined) continue
      const { interface: name } = rule
      this.#rules.set(name, [...(this.#rules.get(name) ?? []), index])
      this.#ifindex.set(name, interfaceIndex(interfaces, name))
    }
  }

  get any(): boolean {
    return this.#rules.size > 0
  }

  /** @param deleted indices that were given back since the last time: an interface with one of them is another now */
  follow(interfaces: readonly Interface[], deleted: ReadonlySet<number> = new Set()): void {
    for (const [name, before] of this.#ifindex) {
      const now = interfaces.find((each) => each.name === name)?.index ?? NO_INTERFACE
      if (now === before && !deleted.has(now)) continue
      this.#ifindex.set(name, now)
      for (const rule of this.#rules.get(name) ?? []) this.#options.write(rule, now)
      if (before !== NO_INTERFACE) this.#losses.set(name, (this.#losses.get(name) ?? 0) + 1)
      this.#options.onNotice?.(
        now === NO_INTERFACE
          ? `interface ${name} disappeared, and its rules wait for it to return: ${this.#labels(name)}`
          : `interface ${name} is back with a new index, and its rules apply there: ${this.#labels(name)}`,
      )
    }
  }

  /** What a reader of the summary must know. */
  notes(): string[] {
    return [...this.#losses].map(([name, times]) => {
      const still = this.#ifindex.get(name) === NO_INTERFACE
      const often = times === 1 ? 'once' : `${times} times`
      const end = still ? ', and has not come back' : ''
      return `interface ${name} went away ${often}${end}: ${this.#labels(name)}`
    })
  }

  #labels(name: string): string {
    return (this.#rules.get(name) ?? []).map((rule) => this.#options.label(rule)).join(', ')
  }
}
