/** Targets by what bpf/match.bpf.h looks them up by: names, globs and numbers. Pure. */
import { struct } from '../kernel/bpf/struct.ts'
import { TARGET_SIZE, targetKinds, targetOffsets } from '../rules/encode.ts'
import { TARGET_NAME_MAX } from './limits.ts'

/** struct number */
export const numberStruct = struct({ kind: 'u32', side: 'u32', value: 'u64' })

export interface TargetGroups {
  /** Rule indices by name, zero-padded (latin1: one character a byte). */
  readonly names: Map<string, number[]>
  readonly globs: Map<string, number[]>
  /** By the bytes of struct number, of side 0. */
  readonly numbers: Map<string, number[]>
}

/** struct target[] by what is looked up, since many rules may be for the same. */
export function groupTargets(targets: Buffer): TargetGroups {
  const groups: TargetGroups = { names: new Map(), globs: new Map(), numbers: new Map() }
  for (let at = 0; at < targets.length; at += TARGET_SIZE) {
    const row = targets.subarray(at, at + TARGET_SIZE)
    const rule = row.readUInt32LE(targetOffsets.rule)
    const kind = row.readUInt32LE(targetOffsets.kind)
    const name = row.toString('latin1', targetOffsets.name, targetOffsets.name + TARGET_NAME_MAX)
    if (kind === targetKinds.name) add(groups.names, name, rule)
    else if (kind === targetKinds.glob) add(groups.globs, name, rule)
    // A process id is looked up once, when running processes are added.
    else if (kind !== targetKinds.pid) add(groups.numbers, numberKey(row, kind), rule)
  }
  return groups
}

function add(to: Map<string, number[]>, key: string, rule: number): void {
  const rules = to.get(key)
  if (rules) rules.push(rule)
  else to.set(key, [rule])
}

function numberKey(row: Buffer, kind: number): string {
  const value = row.readBigUInt64LE(targetOffsets.value)
  return numberStruct.encode({ kind, side: 0, value }).toString('latin1')
}
