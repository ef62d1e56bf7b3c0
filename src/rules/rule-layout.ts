/** struct rule of bpf/rule.h: where its fields are. test/unit/rules/encode.test.ts holds the two together. */

/** offsetof() in struct rule. */
export const ruleOffsets = {
  kind: 0,
  outcome: 4,
  value: 8,
  threshold: 16,
  after_ns: 24,
  times: 32,
  when_first: 40,
  when_last: 44,
  when_step: 48,
  scope: 52,
  flags: 56,
  fd: 60,
  ifindex: 64,
  port_low: 68,
  port_high: 70,
  protocol: 72,
  direction: 73,
  to_family: 74,
  to_prefix: 75,
  to: 76,
  slot: 92,
  syscalls: 96,
  path: 160,
} as const

/** enum rule_flags */
export const ruleFlags = { path: 1, fd: 2, to: 4, targets: 8, notInherited: 16 } as const

/** What writing a row needs of a Buffer: programs that import our types need not have node's. */
export interface RuleBytes extends Uint8Array {
  readUInt32LE(offset: number): number
  writeUInt8(value: number, offset: number): number
  writeUInt16LE(value: number, offset: number): number
  writeUInt32LE(value: number, offset: number): number
  writeBigUInt64LE(value: bigint, offset: number): number
  writeInt32LE(value: number, offset: number): number
  write(text: string, offset: number, length: number, encoding: 'utf8'): number
}

export function addFlag(row: RuleBytes, flag: number): void {
  row.writeUInt32LE(row.readUInt32LE(ruleOffsets.flags) | flag, ruleOffsets.flags)
}
