/** The variables of bpf/network.bpf.c, as bytes: `settings` before it is loaded, `session` and `sets` for each run. */
import type { BpfObject } from '../../kernel/bpf/object.ts'
import { struct } from '../../kernel/bpf/struct.ts'
import { encodeRuleSet, RULE_SET_SIZE } from '../../rules/encode.ts'
import type { Rule } from '../../rules/rule.ts'
import { encodeTargetProcess, SIDES, targetProcess } from '../../targets/limits.ts'

/** Structures of bpf/network.bpf.h. */
export const networkStructs = {
  sets: struct({
    drop_out: 2 * RULE_SET_SIZE,
    drop_in: RULE_SET_SIZE,
    refuse: RULE_SET_SIZE,
    everyone: targetProcess.size,
  }),
  settings: struct({
    netns: 'u64',
    wants_events: 'u32',
    targeted: 'u32',
    machine: 'u32',
    table: 'u32',
    place: 'u32',
    bound_in: 'u32',
  }),
  session: struct({
    cgroup: 'u64',
    start_ns: 'u64',
    seed: 'u64',
    level: 'u32',
    padding: 'u32',
  }),
  tallies: struct({ lost_events: 'u64', untagged: 'u64', copied: 'u64', deciding: 'u64' }),
}

/** Indices of rules, or their rows; each list in the order its rules are tried. */
export interface NetworkRules {
  readonly dropOut: readonly number[]
  readonly dropIn: readonly number[]
  readonly refuse: readonly number[]
}

export function indicesOf({ dropOut, dropIn, refuse }: NetworkRules): number[] {
  return [...dropOut, ...dropIn, ...refuse]
}

export interface NetworkScope {
  /** Some rule has targets. */
  readonly targeted: boolean
  /** Targets may be anywhere on the machine. */
  readonly machine: boolean
  /** On the machine, the number of their table; else 0. */
  readonly table: number
  /** Cookie of our network namespace. */
  readonly netns: bigint
}

export interface PlanFacts {
  /** The whole plan. */
  readonly rules: readonly Rule[]
  readonly wantsEvents: boolean
}

/**
 * struct sets of one side.
 *
 * @param rules rows
 * @param bound those of them that name an interface
 * @param everyone those of them without targets
 */
export function setsOf(
  { dropOut, dropIn, refuse }: NetworkRules,
  bound: ReadonlySet<number>,
  everyone: readonly number[],
): Buffer {
  const again = dropOut.filter((row) => bound.has(row))
  return networkStructs.sets.encode({
    drop_out: Buffer.concat([dropOut, again].map(encodeRuleSet)),
    drop_in: encodeRuleSet(dropIn),
    refuse: encodeRuleSet(refuse),
    everyone: encodeTargetProcess(0n, encodeRuleSet(everyone), encodeRuleSet([])),
  })
}

/** `sets` of a loaded object. */
export class Sets {
  readonly #object: BpfObject
  /** By side, what each has that was put there. */
  readonly #parts = Array.from({ length: SIDES }, () => new Set<Buffer>())

  /** @param object without a rule on any side */
  constructor(object: BpfObject) {
    this.#object = object
  }

  /** Adds those of setsOf(). The others stay as they are: a program that reads them meanwhile sees no difference. */
  put(side: number, sets: Buffer): void {
    this.#parts[side]?.add(sets)
    this.#write()
  }

  /** Without these again. */
  remove(side: number, sets: Buffer): void {
    this.#parts[side]?.delete(sets)
    this.#write()
  }

  #write(): void {
    const { size } = networkStructs.sets
    const bytes = Buffer.alloc(SIDES * size)
    // A struct rule_set is bits alone, and nothing else of it is set.
    for (const [side, parts] of this.#parts.entries())
      for (const part of parts)
        for (let at = 0; at < size; at++) bytes[side * size + at]! |= part[at]!
    this.#object.update('.data.sets', 0, bytes)
  }
}

export function settingsOf(
  { dropIn }: Pick<NetworkRules, 'dropIn'>,
  scope: NetworkScope,
  { rules, wantsEvents }: PlanFacts,
): Buffer {
  return networkStructs.settings.encode({
    netns: scope.netns,
    wants_events: Number(wantsEvents),
    targeted: Number(scope.targeted),
    machine: Number(scope.machine),
    table: scope.table,
    place: placeOf(scope.netns),
    bound_in: Number(dropIn.some((index) => interfaceOf(rules[index]) !== undefined)),
  })
}

/** The interface that a rule names. */
export function interfaceOf(rule: Rule | undefined): string | undefined {
  return rule === undefined || rule.kind === 'syscall' ? undefined : rule.interface
}

/** `PLACE` in bpf/network.bpf.c: the first byte tells it from what others leave there, 12 bits are the namespace's. */
const PLACE_MAGIC = 0xb5
const PLACE_NETNS_BITS = 12n

function placeOf(netns: bigint): number {
  // Cookies count up, on each CPU from a multiple of 4,096 (include/linux/cookie.h): both ends tell them apart.
  const folded = netns ^ (netns >> PLACE_NETNS_BITS) ^ (netns >> (2n * PLACE_NETNS_BITS))
  const bits = Number(BigInt.asUintN(Number(PLACE_NETNS_BITS), folded))
  return ((PLACE_MAGIC << 24) | (bits << 12)) >>> 0
}

const { session, tallies } = networkStructs

/** No cgroup has this id. */
const NO_CGROUP = 2n ** 64n - 1n

/** `session` of a loaded object: whose packets are looked at, and from when on. */
export class Session {
  readonly #object: BpfObject
  readonly #bytes: Buffer

  constructor(object: BpfObject, seed: bigint) {
    this.#object = object
    const none = { cgroup: NO_CGROUP, level: 0, start_ns: 0n }
    this.#bytes = session.encode({ ...none, seed: BigInt.asUintN(64, seed) })
    this.#write({})
  }

  setTarget(cgroup: bigint, level: number): void {
    this.#write({ cgroup, level })
  }

  /** Packets of all cgroups pass at the first look. */
  end(): void {
    this.setTarget(NO_CGROUP, 0)
  }

  /** `now`: nanoseconds of CLOCK_BOOTTIME. */
  start(now: bigint): void {
    this.#write({ start_ns: now })
  }

  #write(values: Parameters<typeof session.write>[1]): void {
    session.write(this.#bytes, values)
    this.#object.update('.data.session', 0, this.#bytes)
  }
}

/** `tallies`: what the programs count in addition to the rules' counts. */
export interface Tallies {
  readonly lostEvents: bigint
  /** Sockets of targets that the kernel had no memory to tag for. */
  readonly untagged: bigint
  /** Packets that were lost, of which the machine itself may have got copies. */
  readonly copied: bigint
  /** How many programs try rules at this moment. */
  readonly deciding: bigint
}

export function readTallies(object: BpfObject): Tallies {
  const bytes = object.lookup('.bss', 0, tallies.size)
  return {
    lostEvents: tallies.read(bytes, 'lost_events'),
    untagged: tallies.read(bytes, 'untagged'),
    copied: tallies.read(bytes, 'copied'),
    deciding: tallies.read(bytes, 'deciding'),
  }
}

/** While no program runs that would count. */
export function clearTallies(object: BpfObject): void {
  object.update('.bss', 0, Buffer.alloc(tallies.size))
}
