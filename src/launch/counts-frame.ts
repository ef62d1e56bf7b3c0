/** struct wire_counts (src/launcher/shared/wire.h) and what follows it: what the supervisor has counted. */
import { decodeCounts, RULE_COUNTS_SIZE } from '../rules/encode.ts'
import type { RuleCounts, Slot } from '../rules/rule.ts'

export interface SupervisorCounts {
  /** By slot: of the rules that it does. */
  readonly rules: ReadonlyMap<Slot, RuleCounts>
  readonly lostEvents: bigint
  /** Calls of 32-bit programs: let pass, since the rules name native numbers. */
  readonly foreignCalls: bigint
  /** Calls that a signal interrupted before the supervisor had received them. */
  readonly interruptedCalls: bigint
  /** Signals of rules that the kernel did not take. */
  readonly unsentSignals: bigint
  /** Calls that rules name, of programs with more rights than the command's user: let pass. */
  readonly sparedCalls: bigint
  /** Programs that could not be told from their dynamic loader. */
  readonly unreadLoaders: bigint
  /** Times that a program could not trace another, since the supervisor does. */
  readonly refusedTracers: bigint
  /** By slot: paths that came near a rule's path= and did not match. */
  readonly nearPaths: ReadonlyMap<Slot, readonly string[]>
}

/** sizeof(struct near_path), offsetof path */
export const NEAR_PATH_SIZE = 264
export const NEAR_PATH_OFFSET = 8
/** sizeof(struct slot_counts), offsetof counts */
export const SLOT_COUNTS_SIZE = 56
export const SLOT_COUNTS_OFFSET = 8
/** sizeof(struct wire_counts) */
export const COUNTS_HEADER_SIZE = 64

export function decodeSupervisorCounts(payload: Buffer): SupervisorCounts {
  const nearEnd = COUNTS_HEADER_SIZE + Number(payload.readBigUInt64LE(56)) * NEAR_PATH_SIZE
  return {
    lostEvents: payload.readBigUInt64LE(0),
    foreignCalls: payload.readBigUInt64LE(8),
    interruptedCalls: payload.readBigUInt64LE(16),
    unsentSignals: payload.readBigUInt64LE(24),
    sparedCalls: payload.readBigUInt64LE(32),
    unreadLoaders: payload.readBigUInt64LE(40),
    refusedTracers: payload.readBigUInt64LE(48),
    nearPaths: decodeNearPaths(payload.subarray(COUNTS_HEADER_SIZE, nearEnd)),
    rules: decodeSlotCounts(payload.subarray(nearEnd)),
  }
}

/** struct slot_counts[] */
function decodeSlotCounts(bytes: Buffer): Map<Slot, RuleCounts> {
  const all = new Map<Slot, RuleCounts>()
  for (let at = 0; at + SLOT_COUNTS_SIZE <= bytes.length; at += SLOT_COUNTS_SIZE) {
    const start = at + SLOT_COUNTS_OFFSET
    const [counts] = decodeCounts(bytes.subarray(start, start + RULE_COUNTS_SIZE))
    all.set(bytes.readUInt32LE(at), counts!)
  }
  return all
}

/** struct near_path[]: by slot, in the order in which they were met. */
function decodeNearPaths(bytes: Buffer): Map<Slot, string[]> {
  const all = new Map<Slot, string[]>()
  for (let at = 0; at < bytes.length; at += NEAR_PATH_SIZE) {
    const slot = bytes.readUInt32LE(at)
    const start = at + NEAR_PATH_OFFSET
    const path = bytes.toString('utf8', start, start + bytes.readUInt32LE(at + 4))
    all.set(slot, [...(all.get(slot) ?? []), path])
  }
  return all
}
