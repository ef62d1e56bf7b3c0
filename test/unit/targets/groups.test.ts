/** Targets by what the kernel side looks them up by. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { encodeTargets, targetKinds } from '../../../src/rules/encode.ts'
import { parseSyscallFault } from '../../../src/rules/grammar.ts'
import type { Rule } from '../../../src/rules/rule.ts'
import type { Target } from '../../../src/rules/target.ts'
import { groupTargets, numberStruct } from '../../../src/targets/groups.ts'
import { TARGET_NAME_MAX } from '../../../src/targets/limits.ts'

function groups(...targets: (readonly Target[] | undefined)[]) {
  const call = parseSyscallFault('openat=EIO', { arch: 'x86_64' })
  const rules = targets.map((own): Rule => (own ? { ...call, targets: own } : call))
  return groupTargets(encodeTargets(rules, (path) => BigInt(path.length)))
}

const byName = (map: ReadonlyMap<string, number[]>) =>
  Object.fromEntries([...map].map(([name, rules]) => [name.replaceAll('\0', ''), rules]))

test('rules that are for the same share a name, a glob or a number; none is in a group of another kind', () => {
  const { names, globs, numbers } = groups(
    [
      { kind: 'name', name: 'curl' },
      { kind: 'name', name: 'py*' },
    ],
    undefined,
    [
      { kind: 'name', name: 'curl' },
      { kind: 'uid', uid: 1000 },
    ],
    [
      { kind: 'name', name: 'py*' },
      { kind: 'uid', uid: 1000 },
      { kind: 'cgroup', path: '/a' },
    ],
  )
  assert.deepEqual(byName(names), { curl: [0, 2] })
  assert.deepEqual(byName(globs), { 'py*': [0, 3] })
  for (const name of [...names.keys(), ...globs.keys()])
    assert.equal(Buffer.from(name, 'latin1').length, TARGET_NAME_MAX)
  const found = [...numbers].map(([key, rules]) => {
    const bytes = Buffer.from(key, 'latin1')
    return [numberStruct.read(bytes, 'kind'), numberStruct.read(bytes, 'value'), rules]
  })
  assert.deepEqual(found, [
    [targetKinds.uid, 1000n, [2, 3]],
    [targetKinds.cgroup, 2n, [3]],
  ])
})

test('a process id is in no group: it is looked for once, among what runs', () => {
  const { names, globs, numbers } = groups([{ kind: 'pid', pid: 77 }])
  assert.deepEqual([names.size, globs.size, numbers.size], [0, 0, 0])
})

test('a name of any bytes keeps them', () => {
  const { names } = groups([{ kind: 'name', name: 'ü' }])
  assert.deepEqual(
    [...names.keys()].map((name) => Buffer.from(name, 'latin1').subarray(0, 3)),
    [Buffer.from('ü\0')],
  )
})
