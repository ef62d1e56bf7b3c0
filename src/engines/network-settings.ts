/** The variables of bpf/network.bpf.c, as bytes: `settings` before it is loaded, `session` while it runs. */
import type { BpfObject } from '../kernel/bpf-object.ts'

/** Rule indices, each list in the order its rules are tried. */
export interface NetworkRules {
  readonly dropOut: readonly number[]
  readonly dropIn: readonly number[]
  readonly refuse: readonly number[]
}

/** `settings`: three struct slice (u32 first, count), u64 seed, u32 wants_events, u32 padding. */
export function settingsOf(rules: NetworkRules, seed: bigint, wantsEvents: boolean): Buffer {
  const bytes = Buffer.alloc(40)
  let first = 0
  for (const [slice, indices] of [rules.dropOut, rules.dropIn, rules.refuse].entries()) {
    bytes.writeUInt32LE(first, slice * 8)
    bytes.writeUInt32LE(indices.length, slice * 8 + 4)
    first += indices.length
  }
  bytes.writeBigUInt64LE(BigInt.asUintN(64, seed), 24)
  bytes.writeUInt32LE(wantsEvents ? 1 : 0, 32)
  return bytes
}

/** `session`: u64 cgroup, start_ns, lost_events; u32 level, padding. */
export class Session {
  readonly #object: BpfObject

  constructor(object: BpfObject) {
    this.#object = object
  }

  setTarget(cgroup: bigint, level: number): void {
    this.#change((bytes) => {
      bytes.writeBigUInt64LE(cgroup, 0)
      bytes.writeUInt32LE(level, 24)
    })
  }

  /** `now`: nanoseconds of CLOCK_BOOTTIME. */
  start(now: bigint): void {
    this.#change((bytes) => bytes.writeBigUInt64LE(now, 8))
  }

  lostEvents(): bigint {
    return this.#read().readBigUInt64LE(16)
  }

  #change(change: (bytes: Buffer) => void): void {
    const bytes = this.#read()
    change(bytes)
    this.#object.update('.bss', 0, bytes)
  }

  #read(): Buffer {
    return this.#object.lookup('.bss', 0, 32)
  }
}
