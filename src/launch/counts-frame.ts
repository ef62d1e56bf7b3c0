/** struct wire_counts (src/launcher/shared/wire.h) and what follows it: what the supervisor has counted. */
import { decodeCounts, RULE_COUNTS_SIZE } from '../rules/encode.ts'
import type { RuleCounts } from '../rules/rule.ts'

export interface SupervisorCounts {
  /** Of every rule of the plan. */
  readonly rules: readonly RuleCounts[]
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
  /** By rule index: paths that came near a rule's path= and did not match. */
  readonly nearPaths: ReadonlyMap<number, readonly string[]>
}

/** sizeof(struct near_path), offsetof path */
export const NEAR_PATH_SIZE = 264
export const NEAR_PATH_OFFSET = 8
/** sizeof(struct wire_counts) */
export const COUNTS_HEADER_SIZE = 56

export function decodeSupervisorCounts(payload: Buffer): SupervisorCounts {
  const nearEnd = COUNTS_HEADER_SIZE + Number(payload.readBigUInt64LE(48)) * NEAR_PATH_SIZE
  const rules = payload.subarray(nearEnd)
  return {
    lostEvents: payload.readBigUInt64LE(0),
    foreignCalls: payload.readBigUInt64LE(8),
    interruptedCalls: payload.readBigUInt64LE(16),
    unsentSignals: payload.readBigUInt64LE(24),
    sparedCalls: payload.readBigUInt64LE(32),
    unreadLoaders: payload.readBigUInt64LE(40),
    nearPaths: decodeNearPaths(payload.subarray(COUNTS_HEADER_SIZE, nearEnd)),
    rules: decodeCounts(rules.subarray(0, rules.length - (rules.length % RULE_COUNTS_SIZE))),
  }
}

/** struct near_path[]: by rule, in the order in which they were met. */
function decodeNearPaths(bytes: Buffer): Map<number, string[]> {
  const all = new Map<number, string[]>()
  for (let at = 0; at < bytes.length; at += NEAR_PATH_SIZE) {
    const rule = bytes.readUInt32LE(at)
    const start = at + NEAR_PATH_OFFSET
    const path = bytes.toString('utf8', start, start + bytes.readUInt32LE(at + 4))
    all.set(rule, [...(all.get(rule) ?? []), path])
  }
  return all
}
