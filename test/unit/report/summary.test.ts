/** What a person reads at the end of a run. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { type SummaryInput, summary } from '../../../src/report/summary.ts'
import {
  type NetworkRule,
  noCounts,
  type Rule,
  type RuleCounts,
  type SyscallRule,
} from '../../../src/rules/rule.ts'
import { parseStraceInject } from '../../../src/rules/strace.ts'

const always = { first: 1, last: Number.POSITIVE_INFINITY, step: 1 }

const openat: SyscallRule = {
  kind: 'syscall',
  label: 'openat=ENOENT',
  source: '--syscall openat=ENOENT',
  rate: 100,
  afterNs: 0n,
  when: always,
  times: 0,
  set: 'openat',
  syscalls: ['openat'],
  outcome: { kind: 'errno', name: 'ENOENT', errno: 2 },
  scope: 'tree',
}

const dropNet: NetworkRule = {
  kind: 'drop-net',
  label: 'drop-net 100%',
  source: '--drop-net 100%',
  rate: 100,
  afterNs: 0n,
  when: always,
  times: 0,
  direction: 'out',
}

const counts = (seen: number, matched: number, fired: number) => ({
  ...noCounts,
  seen: BigInt(seen),
  matched: BigInt(matched),
  fired: BigInt(fired),
})

interface Done {
  readonly rule: Rule
  readonly engine: string
  readonly counts: RuleCounts
}

function report(done: readonly Done[], more: Partial<SummaryInput> = {}): string {
  return summary({
    rules: done.map(({ rule }) => rule),
    counts: done.map(({ counts }) => counts),
    engines: done.map(({ engine }) => engine),
    seed: 1234n,
    lostEvents: 0n,
    foreignCalls: 0n,
    arch: 'x86_64',
    colour: 0,
    ...more,
  })
}

test('rules are a table, aligned, with the seed as an option to paste', () => {
  assert.equal(
    report([
      { rule: openat, engine: 'seccomp', counts: counts(1200, 7, 3) },
      { rule: dropNet, engine: 'tc', counts: counts(41, 41, 41) },
    ]),
    [
      'minderbinder: rule           engine   seen  matched  fired',
      'minderbinder: openat=ENOENT  seccomp  1200        7      3',
      'minderbinder: drop-net 100%  tc         41       41     41',
      'minderbinder: to repeat this run: --seed 1234',
      '',
    ].join('\n'),
  )
})

test('every line starts with the prefix, so that a log can be searched for it', () => {
  const odd = { ...openat, label: 'a\nb', path: 'first\nsecond' }
  const text = report([{ rule: odd, engine: 'seccomp', counts: counts(1, 0, 0) }], {
    nearPaths: new Map([[0, ['x\ny', '\x1b[2J', '\u{9b}1A']]]),
    notes: ['a\nb'],
    lostEvents: 2n,
    foreignCalls: 1n,
  })
  for (const line of text.trimEnd().split('\n')) assert.match(line, /^minderbinder: \S/)
})

test('a rule that fired is not complained about', () => {
  const text = report([{ rule: openat, engine: 'seccomp', counts: counts(1, 1, 1) }])
  assert.doesNotMatch(text, /never|hint/)
})

test('the reason and the hint follow the table', () => {
  const rule = { ...openat, label: 'open=ENOENT', set: 'open', syscalls: ['open'] }
  assert.equal(
    report([{ rule, engine: 'seccomp', counts: counts(0, 0, 0) }]),
    [
      'minderbinder: rule         engine   seen  matched  fired',
      'minderbinder: open=ENOENT  seccomp     0        0      0',
      'minderbinder: open=ENOENT never fired: open was never called',
      "minderbinder: hint: glibc's open() calls openat (%open names both)",
      'minderbinder: to repeat this run: --seed 1234',
      '',
    ].join('\n'),
  )
})

const inject = (text: string, met: Readonly<Record<string, RuleCounts>>) =>
  parseStraceInject(text, { arch: 'x86_64' }).map((rule) => ({
    rule,
    engine: 'seccomp',
    counts: met[rule.set] ?? noCounts,
  }))

test('an --inject of many calls has rows for those that were made, and is one rule that fired', () => {
  assert.equal(
    report([
      ...inject('%file:error=EIO', { openat: counts(3, 3, 3), access: counts(1, 1, 1) }),
      { rule: openat, engine: 'seccomp', counts: { ...noCounts, taken: 3n } },
    ]),
    [
      'minderbinder: rule              engine   seen  matched  fired',
      'minderbinder: access:error=EIO  seccomp     1        1      1',
      'minderbinder: openat:error=EIO  seccomp     3        3      3',
      'minderbinder: openat=ENOENT     seccomp     0        0      0',
      'minderbinder: openat=ENOENT never fired: --inject %file:error=EIO fired first at all 3 calls',
      'minderbinder: hint: rules are tried in order, and the first that fires wins: put openat=ENOENT first',
      'minderbinder: to repeat this run: --seed 1234',
      '',
    ].join('\n'),
  )
})

test('an --inject of many calls that did nothing is one line', () => {
  const none = report(inject('!openat:error=EIO', {}))
  assert.deepEqual(
    none.split('\n').filter((line) => /openat/.test(line)),
    [
      'minderbinder: !openat:error=EIO  seccomp     0        0      0',
      'minderbinder: !openat:error=EIO never fired: nothing in !openat was called',
    ],
  )
  const few = report(inject('open,openat:error=EIO:when=5', { openat: counts(3, 3, 0) }))
  assert.match(
    few,
    /^minderbinder: open,openat:error=EIO:when=5 never fired: 3 calls, too few of any one in any thread for when=5$/m,
  )
  assert.equal(few.match(/never fired/g)?.length, 1)
  const uncalled = report(inject('open,creat:error=EIO', {}))
  assert.match(
    uncalled,
    /nothing in open,creat was called\nminderbinder: hint: most programs call openat/,
  )
})

test('the same --inject twice is two entries', () => {
  const twice = [...inject('open,openat:error=EIO', {}), ...inject('open,openat:error=EIO', {})]
  assert.deepEqual(report(twice).match(/never fired: .*/g), [
    'never fired: nothing in open,openat was called',
    'never fired: --inject open,openat:error=EIO fires first at each of its calls',
  ])
})

test('what went wrong in counting is said, in the singular and the plural', () => {
  const rules = [{ rule: openat, engine: 'seccomp', counts: counts(1, 1, 1) }]
  assert.match(report(rules, { lostEvents: 1n }), / 1 injection is missing from the log/)
  assert.match(report(rules, { lostEvents: 2n }), / 2 injections are missing from the log/)
  assert.match(report(rules, { foreignCalls: 3n }), / 3 32-bit system calls bypassed/)
  assert.doesNotMatch(report(rules), /missing|32-bit/)
})

test('without colour there is no escape sequence; with colour only those are added', () => {
  const rules = [
    { rule: openat, engine: 'seccomp', counts: counts(5, 5, 5) },
    { rule: dropNet, engine: 'tc', counts: counts(0, 0, 0) },
  ]
  const plain = report(rules)
  const coloured = report(rules, { colour: 1 })
  assert.ok(!plain.includes('\x1b'))
  assert.ok(coloured.includes('\x1b['))
  assert.equal(stripVTControlCharacters(coloured), plain)
  assert.match(coloured, /^minderbinder: /m)
})

test('a label cannot forge lines, move the cursor, or push every number off the screen', () => {
  const long = { ...openat, label: 'x'.repeat(200) }
  const text = report([
    { rule: { ...openat, label: 'a\nb\x1b[2J' }, engine: 'seccomp', counts: counts(1, 1, 1) },
    { rule: long, engine: 'seccomp', counts: counts(1, 1, 1) },
  ])
  const lines = text.trimEnd().split('\n')
  assert.equal(lines.length, 4)
  assert.match(lines[1] ?? '', /a\\x0ab\\x1b\[2J/)
  assert.ok((lines[1] ?? '').length < 110)
})

test('a label that is not ASCII keeps the columns in line', () => {
  const text = report([
    { rule: { ...openat, label: 'öffnen' }, engine: 'seccomp', counts: counts(1, 1, 1) },
    { rule: { ...openat, label: 'open' }, engine: 'seccomp', counts: counts(1, 1, 1) },
  ])
  const [first, second] = text.split('\n').slice(1)
  assert.equal(Array.from(first ?? '').length, Array.from(second ?? '').length)
})
