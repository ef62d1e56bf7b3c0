/** struct rule of bpf/rule.h: where its fields are. test/unit/rules/encode.test.ts holds the two together. */

/** offsetof() in struct rule. */
export const ruleOffsets = {
  kind: 0,
  outcome: 4,
  value: 8,
  threshold: 16,
  after_ns: 24,
  for_ns: 32,
  times: 40,
  when_first: 48,
  when_last: 52,
  when_step: 56,
  scope: 60,
  flags: 64,
  fd_count: 68,
  ifindex: 72,
  port_low: 76,
  port_high: 78,
  protocol: 80,
  direction: 81,
  to_family: 82,
  to_prefix: 83,
  to: 84,
  slot: 100,
  share: 104,
  enter: 112,
  exit: 128,
  signal: 144,
  errors: 152,
  error_count: 168,
  fds: 176,
  syscalls: 208,
  path: 272,
} as const

/** offsetof() in struct pause. */
export const pauseOffsets = { ns: 0, spread: 8 } as const

/** enum rule_flags */
export const ruleFlags = { path: 1, to: 4, targets: 8, notInherited: 16 } as const

/** What writing a row needs of a Buffer: programs that import our types need not have node's. */
export interface RuleBytes extends Uint8Array {
  readUInt32LE(offset: number): number
  writeUInt8(value: number, offset: number): number
  writeUInt16LE(value: number, offset: number): number
  writeUInt32LE(value: number, offset: number): number
  writeBigUInt64LE(value: bigint, offset: number): number
  writeBigInt64LE(value: bigint, offset: number): number
  writeInt32LE(value: number, offset: number): number
  write(text: string, offset: number, length: number, encoding: 'utf8'): number
}

export function addFlag(row: RuleBytes, flag: number): void {
  row.writeUInt32LE(row.readUInt32LE(ruleOffsets.flags) | flag, ruleOffsets.flags)
}
