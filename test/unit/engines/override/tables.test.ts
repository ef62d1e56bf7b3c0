/** Which rules a call is held against in the kernel, and what has to be known of the call for that. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { namedCalls, overrideTables } from '../../../../src/engines/override/tables.ts'
import { decodeRuleSet, encodeCallShapes, RULE_SET_SIZE } from '../../../../src/rules/encode.ts'
import { parseSyscallFault } from '../../../../src/rules/grammar.ts'
import { syscallNumber } from '../../../../src/rules/names/syscalls.ts'
import type { SyscallRule } from '../../../../src/rules/rule.ts'

const arch = 'x86_64'
const rulesOf = (...faults: string[]) =>
  faults.map((fault) => parseSyscallFault(fault, { arch }) as SyscallRule)

/** struct named_call: rules, needs, hooks, shape. */
function named(tables: ReturnType<typeof overrideTables>, call: string) {
  const bytes = tables.calls.get(syscallNumber(call, arch)!)
  if (!bytes) return undefined
  const shape = bytes.subarray(RULE_SET_SIZE + 8, RULE_SET_SIZE + 12)
  return {
    rules: decodeRuleSet(bytes.subarray(0, RULE_SET_SIZE)),
    needs: bytes.readUInt32LE(RULE_SET_SIZE),
    hooks: bytes.readUInt32LE(RULE_SET_SIZE + 4),
    shape: shape.toString('hex'),
  }
}

function shapeOf(call: string): string {
  const at = 4 * syscallNumber(call, arch)!
  return encodeCallShapes(arch)
    .subarray(at, at + 4)
    .toString('hex')
}

test('a call has those of the engine’s rules that name it, by their places in the plan', () => {
  const rules = rulesOf('fsync+dup=EIO', 'fsync=EIO', 'dup=EPERM', 'fsync=EPERM')
  const tables = overrideTables(rules, [0, 2, 3], arch)
  assert.deepEqual(named(tables, 'fsync')?.rules, [0, 3])
  assert.deepEqual(named(tables, 'dup')?.rules, [0, 2])
  assert.equal(named(tables, 'listen'), undefined)
  assert.equal(tables.calls.size, 2)
  assert.equal(named(tables, 'dup')?.shape, shapeOf('dup'))
  assert.notEqual(shapeOf('dup'), shapeOf('openat'))
})

test('what a call needs is what any of its rules needs, and no other call’s', () => {
  const rules = rulesOf('openat=EIO,path=x', 'openat+dup=EIO,after=1s', 'fsync=EIO')
  const needs = (call: string) => named(overrideTables(rules, [0, 1, 2], arch), call)?.needs
  assert.deepEqual([needs('openat'), needs('dup'), needs('fsync')], [1 | 2, 2, 0])
  assert.equal(named(overrideTables(rules, [0], arch), 'openat')?.needs, 1)
})

test('rules that count in each process are listed, of the engine’s own', () => {
  const rules = rulesOf('dup=EIO,scope=process', 'dup=EIO', 'fsync=EIO,scope=process')
  assert.deepEqual(overrideTables(rules, [0, 1, 2], arch).processRules, [0, 2])
  assert.deepEqual(overrideTables(rules, [1, 2], arch).processRules, [2])
})

test('a call that two rules name is one call', () => {
  const calls = namedCalls(rulesOf('fsync+dup=EIO', 'dup=EIO'))
  assert.deepEqual(calls.sort(), ['dup', 'fsync'])
})
