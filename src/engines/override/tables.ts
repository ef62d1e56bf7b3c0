/** The maps of bpf/syscall.bpf.c that say which rules to compare a call with, as bytes. Pure. */

import { uint32 } from '../../kernel/bpf/uint32.ts'
import type { Architecture } from '../../rules/architecture.ts'
import {
  CALL_SHAPE_SIZE,
  encodeCallShapes,
  encodeRuleSet,
  RULE_SET_SIZE,
} from '../../rules/encode.ts'
import { syscallNumber } from '../../rules/names/syscalls.ts'
import type { Rule, SyscallRule } from '../../rules/rule.ts'
import { hookBits } from './hooks.ts'

/** enum call_needs */
const callNeeds = { path: 1, age: 2 } as const

/** sizeof(struct named_call) */
export const NAMED_CALL_SIZE = RULE_SET_SIZE + 4 + 4 + CALL_SHAPE_SIZE + 4

export interface OverrideTables {
  /** struct named_call by native number. */
  readonly calls: ReadonlyMap<number, Buffer>
  /** Rows of the rules of scope=process. */
  readonly processRules: readonly number[]
}

/**
 * For the rules `indices` of the plan, all of them system call rules.
 *
 * @param firstRow that of the plan's first rule, where sets of rules name it
 */
export function overrideTables(
  rules: readonly Rule[],
  indices: readonly number[],
  arch: Architecture,
  firstRow = 0,
): OverrideTables {
  const ours = indices.map((index) => ({ index, rule: rules[index] as SyscallRule }))
  const shapes = encodeCallShapes(arch)
  const calls = new Map<number, Buffer>()
  for (const name of namedCalls(ours.map(({ rule }) => rule))) {
    const number = syscallNumber(name, arch)
    if (number === undefined) continue
    const naming = ours.filter(({ rule }) => rule.syscalls.includes(name))
    const [needs, hooks, padding] = [
      uint32(needsOf(naming.map(({ rule }) => rule))),
      uint32(hookBits(name)),
      uint32(0),
    ]
    const shape = shapes.subarray(number * CALL_SHAPE_SIZE, (number + 1) * CALL_SHAPE_SIZE)
    const named = encodeRuleSet(naming.map(({ index }) => firstRow + index))
    calls.set(number, Buffer.concat([named, needs, hooks, shape, padding]))
  }
  const perProcess = ours.filter(({ rule }) => rule.scope === 'process')
  return { calls, processRules: perProcess.map(({ index }) => firstRow + index) }
}

/** Every system call that some rule names, once. */
export function namedCalls(rules: readonly SyscallRule[]): string[] {
  return [...new Set(rules.flatMap(({ syscalls }) => syscalls))]
}

function needsOf(rules: readonly SyscallRule[]): number {
  return (
    (rules.some(({ paths }) => paths !== undefined) ? callNeeds.path : 0) |
    (rules.some(dependsOnAge) ? callNeeds.age : 0)
  )
}

/** needs_age() of bpf/rule.h. */
export function dependsOnAge({ afterNs, forNs }: Rule): boolean {
  return afterNs > 0n || forNs !== undefined
}
