/** What bpf/target.bpf.h and the code that fills its maps agree on. */
import { RULE_SET_SIZE } from '../rules/encode.ts'

/** SIDES and SIDE_SHIFT: sets of rules that a table has at one time, and where the key of a process has their side. */
export const SIDES = 2
export const SIDE_SHIFT = 31
/** Processes that are followed at one time for one set of rules. */
export const PROCESSES_MAX = 32_768
/** TARGET_NAME_MAX of bpf/rule.h: bytes of a name that are compared, and the NUL. */
export const TARGET_NAME_MAX = 256
/** struct target_process: u64 birth, exec_ns; struct rule_set rules, inherited. */
export const targetProcess = {
  rules: 16,
  inherited: 16 + RULE_SET_SIZE,
  size: 16 + 2 * RULE_SET_SIZE,
} as const
/** TICK_NS: nanoseconds in a tick of /proc/PID/stat's starttime. */
export const TICK_NS = 10_000_000n

/** A process in `targets`. */
export function targetKey(pid: number, side: number): number {
  return (pid | (side << SIDE_SHIFT)) >>> 0
}

/** As if it had exec'd when it was born, in ticks. Sets of rules: all of it, and those that it has from its parents. */
export function encodeTargetProcess(birth: bigint, rules: Buffer, inherited: Buffer): Buffer {
  const value = Buffer.alloc(targetProcess.size)
  writeTargetProcess(value, birth, rules, inherited)
  return value
}

/** The same, into `value`. */
export function writeTargetProcess(
  value: Buffer,
  birth: bigint,
  rules: Buffer,
  inherited: Buffer,
): void {
  value.writeBigUInt64LE(birth, 0)
  value.writeBigUInt64LE(birth * TICK_NS, 8)
  value.set(rules, targetProcess.rules)
  value.set(inherited, targetProcess.inherited)
}
