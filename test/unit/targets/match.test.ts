/** Which running processes are targets, of a list that a test makes up. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { Rule } from '../../../src/rules/rule.ts'
import type { Target } from '../../../src/rules/target.ts'
import { type Candidate, type Found, matchAll, namingOf } from '../../../src/targets/match.ts'
import type { ProcessInfo } from '../../../src/targets/process-info.ts'

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
    ...{ cgroup: '/', gainedPrivileges: false, ...given },
  }
}

function isTarget(process: ProcessInfo, rule: Rule): boolean {
  return namingOf([rule])(process).length > 0
}

function named(processes: readonly ProcessInfo[], rules: readonly Rule[]): Candidate[] {
  const naming = namingOf(rules)
  return processes.map((process) => ({ process, named: naming(process) }))
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

const spare = { includeSetuid: false }

function found(rules: readonly Rule[], never: readonly number[] = []): [number, number[]][] {
  const { targets } = matchAll(named(family, rules), rules, new Set(never), spare)
  return [...targets]
    .map(([pid, { rules }]): [number, number[]] => [pid, [...rules]])
    .sort(([a], [b]) => a - b)
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
  const rules = [ruleFor([name('a')])]
  const { targets } = matchAll(named(circle, rules), rules, new Set(), spare)
  assert.deepEqual(targets.get(5)?.rules, [0])
})

test('what a process has from its parents is told apart from what its name gives it', () => {
  const rules = [ruleFor([name('parent')]), ruleFor([name('child')])]
  const { targets } = matchAll(named(family, rules), rules, new Set(), spare)
  const of = (pid: number): Found | undefined => targets.get(pid)
  assert.deepEqual(of(10), { rules: [0], inherited: [] })
  assert.deepEqual(of(11), { rules: [0, 1], inherited: [0] })
  assert.deepEqual(of(12), { rules: [0, 1], inherited: [0, 1] })
})

test('a process that gained privileges is spared, and so is what it starts, unless that has a name of its own', () => {
  const privileged = family.map((each) =>
    each.pid === 11 ? { ...each, gainedPrivileges: true } : each,
  )
  const rules = [ruleFor([name('parent'), name('child')]), ruleFor([name('grandchild')])]
  const candidates = named(privileged, rules)
  const { targets, spared } = matchAll(candidates, rules, new Set(), spare)
  const own = (rule: number): Found => ({ rules: [rule], inherited: [] })
  assert.deepEqual(
    [...targets],
    [
      [10, own(0)],
      [12, own(1)],
    ],
  )
  assert.deepEqual(spared, [11])
  const all = matchAll(candidates, rules, new Set(), { includeSetuid: true })
  assert.deepEqual(all.targets.get(12), { rules: [0, 1], inherited: [0] })
  assert.deepEqual(all.spared, [])
  // One that no rule is for is not counted.
  assert.deepEqual(
    matchAll(named(privileged, rules.slice(1)), rules.slice(1), new Set(), spare).spared,
    [],
  )
})

test('a chain of 40,000 parents, the youngest first, takes no stack', () => {
  const count = 40_000
  const chain = Array.from({ length: count }, (_, i) =>
    aProcess({ pid: 2 + count - i, parent: 1 + count - i, names: new Set(i ? ['x'] : ['last']) }),
  )
  const rules = [ruleFor([name('x')]), ruleFor([name('last')])]
  const { targets } = matchAll(named(chain, rules), rules, new Set(), spare)
  assert.equal(targets.size, count)
  assert.deepEqual(targets.get(2 + count), { rules: [0, 1], inherited: [0] })
})

test('globs and names of any user’s choosing take no time', () => {
  const process = called('abc'.repeat(85), 'xy'.repeat(127))
  const begin = performance.now()
  for (const glob of ['*a*b*c*d', '*x*y*zq', `${'*a*b'.repeat(60)}*d`, `*[${'a'.repeat(250)}d]e`])
    assert.ok(!isTarget(process, ruleFor([name(glob)])), glob)
  // Two milliseconds; a matcher that tries every way takes minutes.
  assert.ok(performance.now() - begin < 1000)
})
