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
  port_count: 76,
  protocol: 80,
  direction: 81,
  to_count: 82,
  slot: 84,
  share: 88,
  enter: 96,
  exit: 112,
  signal: 128,
  errors: 136,
  error_count: 152,
  fds: 160,
  ports: 192,
  to: 224,
  syscalls: 384,
  path: 448,
} as const

/** sizeof(struct port_range), and offsetof() in it. */
export const PORT_RANGE_SIZE = 4
export const portRangeOffsets = { low: 0, high: 2 } as const

/** sizeof(struct block), and offsetof() in it. */
export const BLOCK_SIZE = 20
export const blockOffsets = { address: 0, family: 16, prefix: 17 } as const

/** offsetof() in struct pause. */
export const pauseOffsets = { ns: 0, spread: 8 } as const

/** enum rule_flags */
export const ruleFlags = { path: 1, targets: 8, notInherited: 16 } as const

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
