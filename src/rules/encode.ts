/** The rule table as bytes: bpf/rule.h says what they mean, test/unit/rules/encode.test.ts holds the two together. */
import { MinderbinderError } from '../errors.ts'
import type { Architecture } from './architecture.ts'
import { isGlob } from './glob.ts'
import { keysOf } from './keys/index.ts'
import type { EncodeContext as KeyContext } from './keys/key.ts'
import { signalledCall } from './names/interruptible.ts'
import { type CallShape, callShape } from './names/shapes.ts'
import { syscallNames, syscallNumber } from './names/syscalls.ts'
import { encodeOutcome } from './outcomes/index.ts'
import type { NetworkRule, Rule, RuleCounts, Slot } from './rule.ts'
import { addFlag, ruleFlags, ruleOffsets } from './rule-layout.ts'
import type { Target } from './target.ts'

/** sizeof(struct rule) */
export const RULE_SIZE = 704
/** sizeof(struct call_shape) */
export const CALL_SHAPE_SIZE = 4
/** sizeof(struct rule_counts) */
export const RULE_COUNTS_SIZE = 48
/** sizeof(struct rule_set) */
export const RULE_SET_SIZE = 520
/** sizeof(struct target) */
export const TARGET_SIZE = 272
const TARGET_NAME_MAX = 256
export const RULES_MAX = 4096
/** Of all rules together: with RULES_MAX rules they fit into a frame of WIRE_PAYLOAD_MAX (src/launcher/shared/wire.h). */
export const TARGETS_MAX = 16384
export const SYSCALLS_MAX = 512

/** offsetof() in struct target. */
export const targetOffsets = { rule: 0, kind: 4, value: 8, name: 16 } as const

/** enum target_kind */
export const targetKinds = { name: 1, glob: 2, pid: 3, uid: 4, cgroup: 5 } as const

const kinds = { syscall: 1, 'drop-net': 2, 'refuse-net': 3 } as const
/** enum outcome, of packets: src/rules/outcomes/ has those of system calls. */
const packetOutcomes = { drop: 5, refuse: 6 } as const
const ECONNREFUSED = 111n

export interface EncodeContext extends KeyContext {
  /** Whose numbers the system calls get. */
  readonly arch: Architecture
  /** What is added to each slot: that of a plan's first rule, if others came before. Left out: 0. */
  readonly firstSlot?: number
}

/**
 * struct rule[], in the order of `rules`.
 *
 * @param rules by slot; in a list, the slot is the index, counted from `context.firstSlot`
 * @throws {MinderbinderError} MB_FAULT_VALUE past RULES_MAX, and what `interfaceIndex` throws
 */
export function encodeRules(
  rules: readonly Rule[] | ReadonlyMap<Slot, Rule>,
  context: EncodeContext,
): Buffer {
  const all = [...rules.entries()]
  if (all.length > RULES_MAX)
    throw new MinderbinderError(
      'MB_FAULT_VALUE',
      `${all.length} rules were given (the limit is ${RULES_MAX})`,
      { hint: 'one rule can name many system calls: open+openat, or a family like %file' },
    )
  const table = Buffer.alloc(all.length * RULE_SIZE)
  for (const [index, [slot, rule]] of all.entries()) {
    const bytes = table.subarray(index * RULE_SIZE, (index + 1) * RULE_SIZE)
    bytes.writeUInt32LE((context.firstSlot ?? 0) + slot, ruleOffsets.slot)
    encodeCommon(bytes, rule)
    if (rule.kind === 'syscall') encodeSyscall(bytes, rule, context.arch)
    else encodeNetwork(bytes, rule)
    for (const key of keysOf(rule.kind)) key.encode?.(bytes, rule, context)
  }
  return table
}

function encodeCommon(bytes: Buffer, rule: Rule): void {
  bytes.writeUInt32LE(kinds[rule.kind], ruleOffsets.kind)
  bytes.writeBigUInt64LE(thresholdOf(rule.rate), ruleOffsets.threshold)
  if (rule.targets) addFlag(bytes, ruleFlags.targets)
  if (rule.targets && rule.inherit === false) addFlag(bytes, ruleFlags.notInherited)
}

/**
 * struct target[]: every alternative of every rule that has targets, in the rules' order.
 *
 * @param cgroupId of a cgroup's path; throws MB_CGROUP
 */
export function encodeTargets(rules: readonly Rule[], cgroupId: (path: string) => bigint): Buffer {
  const rows = rules.flatMap((rule, index) =>
    (rule.targets ?? []).map((target) => encodeTarget(index, target, cgroupId)),
  )
  return Buffer.concat(rows)
}

function encodeTarget(rule: number, target: Target, cgroupId: (path: string) => bigint): Buffer {
  const bytes = Buffer.alloc(TARGET_SIZE)
  const kind = target.kind === 'name' && isGlob(target.name) ? 'glob' : target.kind
  bytes.writeUInt32LE(rule, targetOffsets.rule)
  bytes.writeUInt32LE(targetKinds[kind], targetOffsets.kind)
  if (target.kind === 'name') bytes.write(target.name, targetOffsets.name, TARGET_NAME_MAX - 1)
  else bytes.writeBigUInt64LE(targetValue(target, cgroupId), targetOffsets.value)
  return bytes
}

function targetValue(
  target: Exclude<Target, { kind: 'name' }>,
  cgroupId: (path: string) => bigint,
): bigint {
  if (target.kind === 'cgroup') return cgroupId(target.path)
  return BigInt(target.kind === 'pid' ? target.pid : target.uid)
}

/**
 * What a 32-bit draw must stay below for the rule to fire: 0 only for 0 %, 2^32 only for 100 %, so that
 * no rounding makes a rate of never or always out of another one.
 */
export function thresholdOf(percent: number): bigint {
  if (percent <= 0) return 0n
  if (percent >= 100) return 2n ** 32n
  return BigInt(Math.min(Math.max(Math.round((percent / 100) * 2 ** 32), 1), 2 ** 32 - 1))
}

function encodeSyscall(bytes: Buffer, rule: Rule & { kind: 'syscall' }, arch: Architecture): void {
  encodeOutcome(bytes, rule.outcome)
  for (const name of rule.syscalls) {
    const number = syscallNumber(name, arch)
    if (number === undefined || number >= SYSCALLS_MAX)
      throw new RangeError(`${name} has no number below ${SYSCALLS_MAX} on ${arch}`)
    // Little-endian 64-bit words: the bit is in byte number / 8 of the field as well.
    const at = ruleOffsets.syscalls + (number >> 3)
    bytes.writeUInt8(bytes.readUInt8(at) | (1 << (number & 7)), at)
  }
}

function encodeNetwork(bytes: Buffer, rule: NetworkRule): void {
  const refuse = rule.kind === 'refuse-net'
  bytes.writeUInt32LE(refuse ? packetOutcomes.refuse : packetOutcomes.drop, ruleOffsets.outcome)
  bytes.writeBigInt64LE(refuse ? ECONNREFUSED : 0n, ruleOffsets.value)
}

/** As encodeRules(), for the supervisor: connections are refused at connect(2). */
export function encodeSupervisedRules(rules: ReadonlyMap<Slot, Rule>, arch: Architecture): Buffer {
  const calls = new Map([...rules].map(([slot, rule]) => [slot, asCall(rule)]))
  const table = encodeRules(calls, { arch, interfaceIndex: () => 0 })
  for (const [index, { kind }] of [...rules.values()].entries())
    table.writeUInt32LE(kinds[kind], index * RULE_SIZE + ruleOffsets.kind)
  return table
}

function asCall(rule: Rule): Rule {
  if (rule.kind === 'syscall') return rule
  return {
    ...rule,
    ...{ kind: 'syscall', set: 'connect', syscalls: ['connect'], scope: 'tree' },
    outcome: { kind: 'errno', name: 'ECONNREFUSED', errno: Number(ECONNREFUSED) },
  }
}

/** struct call_shape[SYSCALLS_MAX], indexed by native number. */
export function encodeCallShapes(arch: Architecture): Buffer {
  const table = Buffer.alloc(SYSCALLS_MAX * CALL_SHAPE_SIZE)
  for (const name of syscallNames(arch)) {
    const number = syscallNumber(name, arch)
    if (number === undefined || number >= SYSCALLS_MAX) continue
    const { paths, fds, sockaddrs, length } = callShape(name)
    const bytes = [
      bitsOf(paths),
      bitsOf(fds),
      bitsOf(sockaddrs),
      lengthByte(length) | (signalled[signalledCall(name)] << 5),
    ]
    table.set(bytes, number * CALL_SHAPE_SIZE)
  }
  return table
}

/** enum signalled */
const signalled = { runs: 0, restarts: 1, fails: 2 } as const

/** enum length_kind and what stands beside it, bpf/rule.h */
const lengthKinds = { count: 1, vector: 2, message: 3 } as const

function lengthByte(length: CallShape['length']): number {
  return length ? (lengthKinds[length.by] << 3) | length.argument : 0
}

function bitsOf(argumentsOf: readonly number[]): number {
  return argumentsOf.reduce((bits, index) => bits | (1 << index), 0)
}

/** struct rule_counts[] as the engines keep them, in the order of the rules. */
export function decodeCounts(bytes: Uint8Array): RuleCounts[] {
  if (bytes.byteLength % RULE_COUNTS_SIZE !== 0)
    throw new RangeError(`${bytes.byteLength} bytes are not a whole number of struct rule_counts`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: bytes.byteLength / RULE_COUNTS_SIZE }, (_, index) => {
    const at = index * RULE_COUNTS_SIZE
    return {
      seen: view.getBigUint64(at, true),
      matched: view.getBigUint64(at + 8, true),
      fired: view.getBigUint64(at + 16, true),
      taken: view.getBigUint64(at + 32, true),
      unread: view.getBigUint64(at + 40, true),
    }
  })
}

/** struct rule_set: rules by index. */
export function encodeRuleSet(indices: Iterable<number>): Buffer {
  const bytes = Buffer.alloc(RULE_SET_SIZE)
  for (const index of indices) {
    if (index >= RULES_MAX) throw new RangeError(`rule ${index} of ${RULES_MAX}`)
    // Little-endian words: as in encodeSyscall().
    for (const [at, bit] of [
      [0, index >> 6],
      [8, index],
    ] as const)
      bytes[at + (bit >> 3)]! |= 1 << (bit & 7)
  }
  return bytes
}

/** The indices in a struct rule_set, ascending. */
export function decodeRuleSet(bytes: Uint8Array): number[] {
  const bits = bytes.subarray(8, RULE_SET_SIZE)
  return [...bits].flatMap((byte, at) =>
    byte === 0
      ? []
      : [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => byte & (1 << bit)).map((bit) => at * 8 + bit),
  )
}
