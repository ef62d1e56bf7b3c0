/** struct wire_change (src/launcher/shared/wire.h): rules that come and go while the command runs. */
import { RULE_SIZE } from '../rules/encode.ts'
import type { Slot } from '../rules/rule.ts'

export interface SupervisorChange {
  /** struct rule[] */
  readonly add: Buffer
  /** Whom all of these are for. Left out: every process. */
  readonly caller?: Caller | undefined
  readonly remove: readonly Slot[]
  /** Of each rule in `add`, instead of the session's. */
  readonly seeds?: readonly bigint[] | undefined
}

/** enum caller_scope, from 1. */
export const callerScopes = ['tree', 'process', 'children', 'thread', 'exec'] as const
export type CallerScope = (typeof callerScopes)[number]

/** Rules that draw as they would in a run of their own with this seed, as its rules number `places`. */
export interface Draws {
  readonly seed: bigint
  readonly places: readonly number[]
}

/** A client of --control, and which of its processes are meant. */
export interface Caller {
  readonly scope: CallerScope
  /** The supervisor's number for it. */
  readonly client: number
  /** Its process, as the kernel says (SO_PEERCRED). */
  readonly pid: number
  /** Of the thread, if that is the scope. */
  readonly tid: number
  /** Of a client that no command of ours started (serve): which process it is, and whose others it may fault. */
  readonly identity?: CallerIdentity | undefined
  /** Instead of by the session's seed. */
  readonly draws?: Draws | undefined
  /** It wants to hear of each injection. */
  readonly events?: boolean
}

export interface CallerIdentity {
  /** As ProcessInfo.birth. */
  readonly birth: bigint
  /** Its user, as the kernel says (SO_PEERCRED). */
  readonly uid: number
}

/** sizeof(struct rule_caller) */
export const RULE_CALLER_SIZE = 24

/** sizeof(struct wire_change) */
export const CHANGE_HEADER_SIZE = 8

/** struct wire_change and what follows it. */
export function encodeChange({ add, caller, remove, seeds }: SupervisorChange): Buffer {
  const header = Buffer.alloc(CHANGE_HEADER_SIZE)
  const count = add.length / RULE_SIZE
  header.writeUInt32LE(count, 0)
  header.writeUInt32LE(remove.length, 4)
  const slots = Uint32Array.from(remove).sort()
  return Buffer.concat([
    header,
    add,
    encodeCallers(caller, count, seeds),
    new Uint8Array(slots.buffer),
  ])
}

/** enum caller_flags */
const callerFlags = { seed: 1, events: 2 } as const

/** struct rule_caller[]: the same for each of them, but for its seed. */
function encodeCallers(
  caller: Caller | undefined,
  count: number,
  seeds: readonly bigint[] | undefined,
): Buffer {
  const one = Buffer.alloc(RULE_CALLER_SIZE)
  if (caller) {
    one.writeUInt32LE(1 + callerScopes.indexOf(caller.scope), 0)
    one.writeUInt32LE(caller.client, 4)
    one.writeInt32LE(caller.tid, 8)
    one.writeUInt32LE((seeds ? callerFlags.seed : 0) | (caller.events ? callerFlags.events : 0), 12)
  }
  const all = Buffer.alloc(count * RULE_CALLER_SIZE, one)
  for (const [at, seed] of (seeds ?? []).entries())
    all.writeBigUInt64LE(seed, at * RULE_CALLER_SIZE + 16)
  return all
}
