/** The rules of a session, those that have come and gone among them. Pure. */
import type { Rule, Slot } from './rule.ts'

/** The change of the rules that put a rule in force, and the one that removed it. The first rules have 0. */
export interface Life {
  readonly from: number
  readonly to: number
}

export class RuleTable {
  #all: readonly Rule[]
  #lives: readonly Life[]
  #changes = 0

  /** @param rules get the slots from 0 on */
  constructor(rules: readonly Rule[]) {
    this.#all = rules
    this.#lives = rules.map(() => ({ from: 0, to: Number.POSITIVE_INFINITY }))
  }

  /** By slot: removed ones too, for a late event still has a name. Another list after each change. */
  get all(): readonly Rule[] {
    return this.#all
  }

  /** By slot. */
  get lives(): readonly Life[] {
    return this.#lives
  }

  /** Those in force, the lowest slot first. */
  get live(): readonly Rule[] {
    return this.liveSlots.map((slot) => this.#all[slot]!)
  }

  /** Likewise. */
  get liveSlots(): readonly Slot[] {
    return [...this.#all.keys()].filter((slot) => this.isLive(slot))
  }

  isLive(slot: Slot): boolean {
    return this.#lives[slot]?.to === Number.POSITIVE_INFINITY
  }

  /** The slots that change() will give to so many rules. */
  next(count: number): readonly Slot[] {
    return Array.from({ length: count }, (_, index) => this.#all.length + index)
  }

  /** @param remove slots of rules in force @returns the slots of those added */
  change(add: readonly Rule[], remove: readonly Slot[]): readonly Slot[] {
    const slots = this.next(add.length)
    const ended = new Set(remove)
    this.#changes += 1
    const [from, to] = [this.#changes, Number.POSITIVE_INFINITY]
    this.#all = [...this.#all, ...add]
    this.#lives = [
      ...this.#lives.map((life, slot) => (ended.has(slot) ? { ...life, to: from } : life)),
      ...add.map(() => ({ from, to })),
    ]
    return slots
  }
}
