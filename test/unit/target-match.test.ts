/** Which running processes are targets, of a list that a test makes up. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { Rule, Target } from '../../src/rules/rule.ts'
import { isTarget, matchAll } from '../../src/targets/match.ts'
import type { ProcessInfo } from '../../src/targets/process-info.ts'

function ruleFor(targets: readonly Target[], inherit?: boolean): Rule {
  return {
    ...{ kind: 'drop-net', label: 'x', source: 'x', direction: 'out', rate: 100, afterNs: 0n },
    ...{ when: { first: 1, last: Number.POSITIVE_INFINITY, step: 1 }, times: 0, targets },
    ...(inherit !== undefined && { inherit }),
  }
}

function aProcess(given: Partial<ProcessInfo> & { names?: ReadonlySet<string> }): ProcessInfo {
  return {
    ...{ pid: 100, parent: 2, birth: 1n, comm: 'x', names: new Set(['x']), uid: 0 },
    ...{ cgroup: '/', ...given },
  }
}

const called = (...names: string[]) => aProcess({ names: new Set(names) })
const name = (text: string): Target => ({ kind: 'name', name: text })

test('a name is any of its names, whole', () => {
  const process = called('sh', 'interpreter', 'quite-a-long-na', 'quite-a-long-name')
  for (const text of ['sh', 'interpreter', 'quite-a-long-name', 'quite-a-long-na'])
    assert.ok(isTarget(process, ruleFor([name(text)])), text)
  for (const text of ['s', 'SH', 'quite-a-long-n', 'quite-a-long-names', ''])
    assert.ok(!isTarget(process, ruleFor([name(text)])), text)
})

test('globs match whole names; names that are no globs are meant to the letter', () => {
  const process = called('node18')
  for (const text of ['node*', 'node[0-9]?', '*'])
    assert.ok(isTarget(process, ruleFor([name(text)])), text)
  for (const text of ['node', 'node?', '[0-9]*', 'ode*'])
    assert.ok(!isTarget(process, ruleFor([name(text)])), text)
  // Without one of *?[ a backslash is an ordinary character.
  assert.ok(isTarget(called('a\\b'), ruleFor([name('a\\b')])))
})

test('names are compared byte by byte', () => {
  const utf8 = Buffer.from('größe').toString('latin1')
  assert.ok(isTarget(called(utf8), ruleFor([name('größe')])))
  assert.ok(isTarget(called(utf8), ruleFor([name('gr??ß*')])))
  assert.ok(!isTarget(called(utf8), ruleFor([name('gr?ße')])))
})

test('pid, uid, cgroup, and any of several', () => {
  const process = aProcess({ pid: 7, uid: 1000, cgroup: '/system.slice/a.service' })
  const is = (...targets: Target[]) => isTarget(process, ruleFor(targets))
  assert.ok(is({ kind: 'pid', pid: 7 }) && !is({ kind: 'pid', pid: 8 }))
  assert.ok(is({ kind: 'uid', uid: 1000 }) && !is({ kind: 'uid', uid: 0 }))
  for (const path of ['/', '/system.slice', '/system.slice/', '/system.slice/a.service'])
    assert.ok(is({ kind: 'cgroup', path }), path)
  for (const path of ['/system', '/system.slice/a', '/system.slice/a.service/b'])
    assert.ok(!is({ kind: 'cgroup', path }), path)
  assert.ok(is({ kind: 'pid', pid: 8 }, { kind: 'uid', uid: 1000 }))
  assert.ok(!isTarget({ ...process, cgroup: undefined }, ruleFor([{ kind: 'cgroup', path: '/' }])))
})

const family = [
  aProcess({ pid: 1, parent: 0, names: new Set(['init']) }),
  aProcess({ pid: 10, parent: 1, names: new Set(['parent']) }),
  aProcess({ pid: 11, parent: 10, names: new Set(['child']) }),
  aProcess({ pid: 12, parent: 11, names: new Set(['grandchild']) }),
  aProcess({ pid: 20, parent: 1, names: new Set(['stranger']) }),
]

function found(rules: readonly Rule[], spared: readonly number[] = []): [number, number[]][] {
  return [...matchAll(family, rules, new Set(spared))].sort(([a], [b]) => a - b)
}

test('children have what their parents have, as far as it is handed down', () => {
  const rules = [
    ruleFor([name('parent')]),
    ruleFor([name('parent')], false),
    ruleFor([name('child')]),
  ]
  assert.deepEqual(found(rules), [
    [10, [0, 1]],
    [11, [0, 2]],
    [12, [0, 2]],
  ])
})

test('process 1 and who is spared are none, and hand nothing down', () => {
  const all = [ruleFor([name('*')])]
  const own = (pid: number): [number, number[]] => [pid, [0]]
  assert.deepEqual(found(all), [own(10), own(11), own(12), own(20)])
  assert.deepEqual(found(all, [11]), [own(10), own(12), own(20)])
  const parents = [ruleFor([name('init')]), ruleFor([name('parent')])]
  assert.deepEqual(found(parents, [11]), [[10, [1]]])
})

test('parents that go round in a circle, in a list of several moments, end', () => {
  const circle = [
    aProcess({ pid: 5, parent: 6, names: new Set(['a']) }),
    aProcess({ pid: 6, parent: 5, names: new Set(['b']) }),
  ]
  const result = matchAll(circle, [ruleFor([name('a')])], new Set())
  assert.deepEqual(result.get(5), [0])
})
