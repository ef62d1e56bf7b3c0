/** What bpf/target.bpf.h and those who fill its maps agree on. */
import { encodeRuleSet, RULE_SET_SIZE } from '../rules/encode.ts'

/** Processes that are followed at one time. */
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

/** As if it had exec'd when it was born, in ticks. Rule indices: all of it, and those that it has from its parents. */
export function encodeTargetProcess(
  birth: bigint,
  rules: readonly number[],
  inherited: readonly number[],
): Buffer {
  const times = Buffer.alloc(targetProcess.rules)
  times.writeBigUInt64LE(birth, 0)
  times.writeBigUInt64LE(birth * TICK_NS, 8)
  return Buffer.concat([times, encodeRuleSet(rules), encodeRuleSet(inherited)])
}
