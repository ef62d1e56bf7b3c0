/** One set of rules in the maps of bpf/network.bpf.o. */
import { architecture } from '../../kernel/architecture.ts'
import type { BpfObject } from '../../kernel/bpf/object.ts'
import { type Interface, interfaceIndex } from '../../kernel/network/interfaces.ts'
import { decodeCounts, encodeRules, RULE_COUNTS_SIZE, RULE_SIZE } from '../../rules/encode.ts'
import type { RuleCounts } from '../../rules/rule.ts'
import { ruleOffsets } from '../../rules/rule-layout.ts'
import { SIDES } from '../../targets/limits.ts'
import { tagSockets } from '../../targets/sockets.ts'
import type { TargetEntry, Targets } from '../../targets/target.ts'
import type { EngineContext } from '../engine.ts'
import { NamedInterfaces } from './named-interfaces.ts'
import { OutOfReach } from './out-of-reach.ts'
import { indicesOf, interfaceOf, type NetworkRules, type Sets, setsOf } from './settings.ts'

/** Where they are put. */
export interface RulePlace {
  readonly object: BpfObject
  readonly sets: Sets
  /** Cookie of our network namespace. */
  readonly netns: bigint
  /** Whose side and rows they have; without it, those of a command. */
  readonly targets: Targets | undefined
  /** Those that there are, of which rules may name some. */
  readonly interfaces: readonly Interface[]
  /** No event is theirs any more. */
  readonly unroute: () => void
}

export class PlacedRules {
  readonly #place: RulePlace
  readonly #indices: readonly number[]
  readonly #named: NamedInterfaces
  readonly #outOfReach: OutOfReach
  readonly #sets: Buffer
  #lifted = false

  /** Nothing of it is tried before enforce(). @throws {MinderbinderError} MB_INTERFACE */
  constructor(context: EngineContext, given: NetworkRules, place: RulePlace) {
    const { object, interfaces, targets } = place
    const { rules } = context
    const firstRow = targets?.firstRow ?? 0
    const indices = indicesOf(given)
    const table = encodeRules(rules, {
      arch: architecture,
      interfaceIndex: (name) => interfaceIndex(interfaces, name),
      firstSlot: targets?.firstSlot ?? 0,
    })
    const bytesOf = (index: number) => table.subarray(index * RULE_SIZE, (index + 1) * RULE_SIZE)
    this.#place = place
    this.#indices = indices
    this.#named = new NamedInterfaces(rules, indices, interfaces, {
      write(index, ifindex) {
        bytesOf(index).writeUInt32LE(ifindex, ruleOffsets.ifindex)
        object.update('rules', firstRow + index, bytesOf(index))
      },
      label: (index) => rules[index]?.label ?? '',
      onNotice: context.onNotice,
    })
    const none = Buffer.alloc(RULE_COUNTS_SIZE)
    object.updateAll('counts', new Map(indices.map((index) => [firstRow + index, none])))
    object.updateAll('rules', new Map(indices.map((index) => [firstRow + index, bytesOf(index)])))
    const rows = (some: readonly number[]) => some.map((index) => firstRow + index)
    const { dropOut, dropIn, refuse } = given
    const bound = rows(indices.filter((index) => interfaceOf(rules[index]) !== undefined))
    const everyone = rows(indices.filter((index) => rules[index]?.targets === undefined))
    this.#outOfReach = new OutOfReach(object, context, indices, firstRow)
    this.#sets = setsOf(
      { dropOut: rows(dropOut), dropIn: rows(dropIn), refuse: rows(refuse) },
      new Set(bound),
      everyone,
    )
  }

  /** From here on they are tried, when it is the turn of their side. */
  enforce(): void {
    this.#place.sets.put(this.#side, this.#sets)
  }

  /** Tags the sockets that a target has already. */
  async adopt(target: TargetEntry): Promise<void> {
    const { object, netns } = this.#place
    const distant = await tagSockets(object.map('tags'), netns, target)
    for (const each of distant) this.#outOfReach.add({ ...target, netns: each })
  }

  /** Some rule names an interface. */
  get namesInterfaces(): boolean {
    return this.#named.any
  }

  /** Interfaces have come or gone (NamedInterfaces.follow()). */
  follow(interfaces: readonly Interface[], deleted?: ReadonlySet<number>): void {
    this.#named.follow(interfaces, deleted)
  }

  get lifted(): boolean {
    return this.#lifted
  }

  /** From here on none is tried; a program that runs at this moment may still try one. Idempotent. */
  lift(): void {
    if (this.#lifted) return
    this.#lifted = true
    this.#place.sets.remove(this.#side, this.#sets)
  }

  /** By rule index. */
  counts(): Map<number, RuleCounts> {
    const { object, targets } = this.#place
    const firstRow = targets?.firstRow ?? 0
    return new Map(
      this.#indices.map((index) => {
        const bytes = object.lookup('counts', firstRow + index, RULE_COUNTS_SIZE)
        return [index, decodeCounts(bytes)[0]!]
      }),
    )
  }

  /** What a reader of the summary must know. */
  notes(): string[] {
    return [...this.#named.notes(), ...this.#outOfReach.notes()]
  }

  /** After lift(); the object may be closed after this. */
  close(): void {
    this.#outOfReach.close()
    this.#place.unroute()
  }

  get #side(): number {
    return (this.#place.targets?.turn ?? 0) % SIDES
  }
}
