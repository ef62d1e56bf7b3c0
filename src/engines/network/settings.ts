/** The variables of bpf/network.bpf.c, as bytes: `settings` before it is loaded, `session` while it runs. */
import type { BpfObject } from '../../kernel/bpf/object.ts'
import { encodeRuleSet } from '../../rules/encode.ts'
import type { Rule } from '../../rules/rule.ts'
import { encodeTargetProcess } from '../../targets/limits.ts'

/** Rule indices, each list in the order its rules are tried. */
export interface NetworkRules {
  readonly dropOut: readonly number[]
  readonly dropIn: readonly number[]
  readonly refuse: readonly number[]
}

export interface NetworkScope {
  /** Rules without targets. */
  readonly everyone: readonly number[]
  readonly targeted: boolean
  /** Targets are looked for on the whole machine. */
  readonly machine: boolean
  /** Of the machine's rules, ours (Targets.turn). */
  readonly turn: number
  /** Cookie of our network namespace. */
  readonly netns: bigint
}

export interface PlanFacts {
  /** The whole plan. */
  readonly rules: readonly Rule[]
  readonly seed: bigint
  readonly wantsEvents: boolean
}

/** `sets`: struct rule_set drop_out[2], drop_in, refuse; struct target_process everyone. */
export function setsOf(
  { dropOut, dropIn, refuse }: NetworkRules,
  { everyone }: Pick<NetworkScope, 'everyone'>,
  { rules }: Pick<PlanFacts, 'rules'>,
): Buffer {
  const bound = dropOut.filter((index) => interfaceOf(rules[index]) !== undefined)
  const sets = [dropOut, bound, dropIn, refuse].map(encodeRuleSet)
  return Buffer.concat([...sets, encodeTargetProcess(0n, everyone, [])])
}

/** `sets` without a rule. */
export const noSets = setsOf(
  { dropOut: [], dropIn: [], refuse: [] },
  { everyone: [] },
  { rules: [] },
)

/** `settings`: u64 seed, netns; u32 wants_events, targeted, machine, turn, place, bound_in. */
export function settingsOf(
  { dropIn }: Pick<NetworkRules, 'dropIn'>,
  scope: Omit<NetworkScope, 'everyone'>,
  { rules, seed, wantsEvents }: PlanFacts,
): Buffer {
  const numbers = Buffer.alloc(40)
  numbers.writeBigUInt64LE(BigInt.asUintN(64, seed), 0)
  numbers.writeBigUInt64LE(scope.netns, 8)
  const fields = [
    Number(wantsEvents),
    Number(scope.targeted),
    Number(scope.machine),
    scope.turn,
    placeOf(scope.netns),
    Number(dropIn.some((index) => interfaceOf(rules[index]) !== undefined)),
  ]
  for (const [at, field] of fields.entries()) numbers.writeUInt32LE(field, 16 + 4 * at)
  return numbers
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

/** `session`: u64 cgroup, start_ns, lost_events, untagged; u32 level, padding; u64 copied. */
export class Session {
  readonly #object: BpfObject

  constructor(object: BpfObject) {
    this.#object = object
  }

  setTarget(cgroup: bigint, level: number): void {
    this.#change((bytes) => {
      bytes.writeBigUInt64LE(cgroup, 0)
      bytes.writeUInt32LE(level, 32)
    })
  }

  /** `now`: nanoseconds of CLOCK_BOOTTIME. */
  start(now: bigint): void {
    this.#change((bytes) => bytes.writeBigUInt64LE(now, 8))
  }

  lostEvents(): bigint {
    return this.#read().readBigUInt64LE(16)
  }

  /** Sockets of targets that the kernel had no memory to tag for. */
  untagged(): bigint {
    return this.#read().readBigUInt64LE(24)
  }

  /** Packets that were lost, of which the machine itself may have got copies. */
  copied(): bigint {
    return this.#read().readBigUInt64LE(40)
  }

  #change(change: (bytes: Buffer) => void): void {
    const bytes = this.#read()
    change(bytes)
    this.#object.update('.bss', 0, bytes)
  }

  #read(): Buffer {
    return this.#object.lookup('.bss', 0, 48)
  }
}
