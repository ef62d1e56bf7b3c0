/** struct wire_change (src/launcher/shared/wire.h): rules that come and go while the command runs. */
import { RULE_SIZE } from '../rules/encode.ts'
import type { Slot } from '../rules/rule.ts'

export interface SupervisorChange {
  /** struct rule[] */
  readonly add: Buffer
  /** Whom all of these are for. Left out: every process. */
  readonly caller?: Caller | undefined
  readonly remove: readonly Slot[]
}

/** enum caller_scope, from 1. */
export const callerScopes = ['tree', 'process', 'children', 'thread'] as const
export type CallerScope = (typeof callerScopes)[number]

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
}

export interface CallerIdentity {
  /** As ProcessInfo.birth. */
  readonly birth: bigint
  /** Its user, as the kernel says (SO_PEERCRED). */
  readonly uid: number
}

/** sizeof(struct rule_caller) */
export const RULE_CALLER_SIZE = 12

/** sizeof(struct wire_change) */
export const CHANGE_HEADER_SIZE = 8

/** struct wire_change and what follows it. */
export function encodeChange({ add, caller, remove }: SupervisorChange): Buffer {
  const header = Buffer.alloc(CHANGE_HEADER_SIZE)
  const count = add.length / RULE_SIZE
  header.writeUInt32LE(count, 0)
  header.writeUInt32LE(remove.length, 4)
  const slots = Uint32Array.from(remove).sort()
  return Buffer.concat([header, add, encodeCallers(caller, count), new Uint8Array(slots.buffer)])
}

/** struct rule_caller[]: the same for each of them. */
function encodeCallers(caller: Caller | undefined, count: number): Buffer {
  const one = Buffer.alloc(RULE_CALLER_SIZE)
  if (caller) {
    one.writeUInt32LE(1 + callerScopes.indexOf(caller.scope), 0)
    one.writeUInt32LE(caller.client, 4)
    one.writeInt32LE(caller.tid, 8)
  }
  return Buffer.alloc(count * RULE_CALLER_SIZE, one)
}
