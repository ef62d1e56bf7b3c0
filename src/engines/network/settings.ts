/** The variables of bpf/network.bpf.c, as bytes: `settings` before it is loaded, `session` while it runs. */
import type { BpfObject } from '../../kernel/bpf/object.ts'
import { struct } from '../../kernel/bpf/struct.ts'
import { encodeRuleSet, RULE_SET_SIZE } from '../../rules/encode.ts'
import type { Rule } from '../../rules/rule.ts'
import { encodeTargetProcess, targetProcess } from '../../targets/limits.ts'

/** Structures of bpf/network.bpf.c. */
export const networkStructs = {
  sets: struct({
    drop_out: 2 * RULE_SET_SIZE,
    drop_in: RULE_SET_SIZE,
    refuse: RULE_SET_SIZE,
    everyone: targetProcess.size,
  }),
  settings: struct({
    seed: 'u64',
    netns: 'u64',
    wants_events: 'u32',
    targeted: 'u32',
    machine: 'u32',
    turn: 'u32',
    place: 'u32',
    bound_in: 'u32',
  }),
  session: struct({
    cgroup: 'u64',
    start_ns: 'u64',
    lost_events: 'u64',
    untagged: 'u64',
    level: 'u32',
    padding: 'u32',
    copied: 'u64',
  }),
}

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

export function setsOf(
  { dropOut, dropIn, refuse }: NetworkRules,
  { everyone }: Pick<NetworkScope, 'everyone'>,
  { rules }: Pick<PlanFacts, 'rules'>,
): Buffer {
  const bound = dropOut.filter((index) => interfaceOf(rules[index]) !== undefined)
  return networkStructs.sets.encode({
    drop_out: Buffer.concat([dropOut, bound].map(encodeRuleSet)),
    drop_in: encodeRuleSet(dropIn),
    refuse: encodeRuleSet(refuse),
    everyone: encodeTargetProcess(0n, everyone, []),
  })
}

/** `sets` without a rule. */
export const noSets = setsOf(
  { dropOut: [], dropIn: [], refuse: [] },
  { everyone: [] },
  { rules: [] },
)

export function settingsOf(
  { dropIn }: Pick<NetworkRules, 'dropIn'>,
  scope: Omit<NetworkScope, 'everyone'>,
  { rules, seed, wantsEvents }: PlanFacts,
): Buffer {
  return networkStructs.settings.encode({
    seed: BigInt.asUintN(64, seed),
    netns: scope.netns,
    wants_events: Number(wantsEvents),
    targeted: Number(scope.targeted),
    machine: Number(scope.machine),
    turn: scope.turn,
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

const { session } = networkStructs

/** `session`, while the object is loaded. */
export class Session {
  readonly #object: BpfObject

  constructor(object: BpfObject) {
    this.#object = object
  }

  setTarget(cgroup: bigint, level: number): void {
    this.#write({ cgroup, level })
  }

  /** `now`: nanoseconds of CLOCK_BOOTTIME. */
  start(now: bigint): void {
    this.#write({ start_ns: now })
  }

  lostEvents(): bigint {
    return session.read(this.#bytes(), 'lost_events')
  }

  /** Sockets of targets that the kernel had no memory to tag for. */
  untagged(): bigint {
    return session.read(this.#bytes(), 'untagged')
  }

  /** Packets that were lost, of which the machine itself may have got copies. */
  copied(): bigint {
    return session.read(this.#bytes(), 'copied')
  }

  #write(values: Parameters<typeof session.write>[1]): void {
    const bytes = this.#bytes()
    session.write(bytes, values)
    this.#object.update('.bss', 0, bytes)
  }

  #bytes(): Buffer {
    return this.#object.lookup('.bss', 0, session.size)
  }
}
