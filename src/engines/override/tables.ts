/** The maps of bpf/syscall.bpf.c that say which rules a call is to be held against, as bytes. Pure. */

import type { Architecture } from '../../rules/architecture.ts'
import { CALL_SHAPE_SIZE, encodeCallShapes, encodeRuleSet } from '../../rules/encode.ts'
import { syscallNumber } from '../../rules/names/syscalls.ts'
import type { Rule, SyscallRule } from '../../rules/rule.ts'

/** enum call_needs */
const callNeeds = { path: 1, age: 2 } as const

export interface OverrideTables {
  /** struct named_call by native number. */
  readonly calls: ReadonlyMap<number, Buffer>
  /** Indices of the rules of scope=process. */
  readonly processRules: readonly number[]
}

/** For the rules `indices` of the plan, all of them system call rules. */
export function overrideTables(
  rules: readonly Rule[],
  indices: readonly number[],
  arch: Architecture,
): OverrideTables {
  const ours = indices.map((index) => ({ index, rule: rules[index] as SyscallRule }))
  const shapes = encodeCallShapes(arch)
  const calls = new Map<number, Buffer>()
  for (const name of namedCalls(ours.map(({ rule }) => rule))) {
    const number = syscallNumber(name, arch)
    if (number === undefined) continue
    const naming = ours.filter(({ rule }) => rule.syscalls.includes(name))
    const needs = Buffer.alloc(4)
    needs.writeUInt32LE(needsOf(naming.map(({ rule }) => rule)))
    const shape = shapes.subarray(number * CALL_SHAPE_SIZE, (number + 1) * CALL_SHAPE_SIZE)
    const named = encodeRuleSet(naming.map(({ index }) => index))
    calls.set(number, Buffer.concat([named, needs, shape]))
  }
  const perProcess = ours.filter(({ rule }) => rule.scope === 'process')
  return { calls, processRules: perProcess.map(({ index }) => index) }
}

/** Every system call that some rule names, once. */
export function namedCalls(rules: readonly SyscallRule[]): string[] {
  return [...new Set(rules.flatMap(({ syscalls }) => syscalls))]
}

function needsOf(rules: readonly SyscallRule[]): number {
  return (
    (rules.some(({ path }) => path !== undefined) ? callNeeds.path : 0) |
    (rules.some(({ afterNs }) => afterNs > 0n) ? callNeeds.age : 0)
  )
}
