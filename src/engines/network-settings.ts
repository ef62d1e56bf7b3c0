/** The variables of bpf/network.bpf.c, as bytes: `settings` before it is loaded, `session` while it runs. */
import type { BpfObject } from '../kernel/bpf-object.ts'
import { encodeRuleSet } from '../rules/encode.ts'

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

/** `settings`: four struct rule_set, u64 seed, netns, u32 wants_events, targeted, machine, turn. */
export function settingsOf(
  rules: NetworkRules,
  scope: NetworkScope,
  seed: bigint,
  wantsEvents: boolean,
): Buffer {
  const numbers = Buffer.alloc(32)
  numbers.writeBigUInt64LE(BigInt.asUintN(64, seed), 0)
  numbers.writeBigUInt64LE(scope.netns, 8)
  const fields = [Number(wantsEvents), Number(scope.targeted), Number(scope.machine), scope.turn]
  for (const [at, field] of fields.entries()) numbers.writeUInt32LE(field, 16 + 4 * at)
  const sets = [rules.dropOut, rules.dropIn, rules.refuse, scope.everyone]
  return Buffer.concat([...sets.map(encodeRuleSet), numbers])
}

/** `session`: u64 cgroup, start_ns, lost_events, untagged; u32 level, padding; u64 zero. */
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

  #change(change: (bytes: Buffer) => void): void {
    const bytes = this.#read()
    change(bytes)
    this.#object.update('.bss', 0, bytes)
  }

  #read(): Buffer {
    return this.#object.lookup('.bss', 0, 48)
  }
}
