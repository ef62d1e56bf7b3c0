/** What a person reads at the end of a run. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { type SummaryInput, summary } from '../../src/report/summary.ts'
import { whenText } from '../../src/report/why-not-fired.ts'
import { type NetworkRule, noCounts, type SyscallRule } from '../../src/rules/rule.ts'

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

function report(rules: SummaryInput['rules'], more: Partial<SummaryInput> = {}): string {
  return summary({
    rules,
    seed: 1234n,
    lostEvents: 0n,
    foreignCalls: 0n,
    hintFor: () => undefined,
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
  const text = report([{ rule: openat, engine: 'seccomp', counts: counts(0, 0, 0) }], {
    hintFor: () => 'first\nsecond',
    notes: ['a\nb'],
    lostEvents: 2n,
    foreignCalls: 1n,
  })
  for (const line of text.trimEnd().split('\n')) assert.match(line, /^minderbinder: \S/)
})

/** The line that says why a rule did nothing. */
function why(rule: SummaryInput['rules'][number]['rule'], seen: number, matched: number): string {
  const text = report([{ rule, engine: 'seccomp', counts: counts(seen, matched, 0) }])
  const line = text.split('\n').find((some) => some.includes('never fired'))
  return line?.replace(`minderbinder: ${rule.label} never fired: `, '') ?? 'silent'
}

const reasons: [string, Parameters<typeof why>][] = [
  ['openat was never called', [openat, 0, 0]],
  [
    'nothing in %file was called',
    [{ ...openat, set: '%file', syscalls: ['open', 'openat'] }, 0, 0],
  ],
  ['no packet went out', [dropNet, 0, 0]],
  ['no packet came in', [{ ...dropNet, direction: 'in' }, 0, 0]],
  ['no connection was tried', [{ ...dropNet, kind: 'refuse-net' }, 0, 0]],
  ['1 call, none with path=*.db', [{ ...openat, path: '*.db' }, 1, 0]],
  ['41 calls, none with path=*.db,fd=3', [{ ...openat, path: '*.db', fd: 3 }, 41, 0]],
  ['2 calls, none later than after=100ms', [{ ...openat, afterNs: 100_000_000n }, 2, 0]],
  [
    '2 calls, none with fd=1 and later than after=1s',
    [{ ...openat, afterNs: 1_000_000_000n, fd: 1 }, 2, 0],
  ],
  [
    '9 packets, none with proto=udp,port=53,to=10.0.0.0/8,dir=out,interface=lo',
    [
      {
        ...dropNet,
        protocol: 'udp',
        port: { low: 53, high: 53 },
        to: { family: 4, address: [10, 0, 0, 0], prefix: 8 },
        interface: 'lo',
      },
      9,
      0,
    ],
  ],
  ['3 calls matched, and its rate is 0%', [{ ...openat, rate: 0 }, 3, 3]],
  [
    '3 calls matched, too few for when=5',
    [{ ...openat, when: { first: 5, last: 5, step: 1 } }, 3, 3],
  ],
  ['3 calls matched, and chance (0.5%) spared all', [{ ...openat, rate: 0.5 }, 3, 3]],
  ['1 call matched, and chance (50%) spared it', [{ ...openat, rate: 50 }, 1, 1]],
]
for (const [expected, input] of reasons)
  test(`a rule that never fired is named with the reason: ${expected}`, () => {
    assert.equal(why(...input), expected)
  })

test('a rule that fired is not complained about, nor is a hint asked for', () => {
  const text = report([{ rule: openat, engine: 'seccomp', counts: counts(1, 1, 1) }], {
    hintFor: () => assert.fail('asked'),
  })
  assert.doesNotMatch(text, /never/)
})

test('a hint follows its rule', () => {
  const text = report([{ rule: openat, engine: 'seccomp', counts: counts(0, 0, 0) }], {
    hintFor: (rule) => (rule === openat ? 'try open' : undefined),
  })
  assert.match(text, /openat was never called\nminderbinder: hint: try open\n/)
})

test('what went wrong in counting is said, in the singular and the plural', () => {
  const rules = [{ rule: openat, engine: 'seccomp', counts: counts(1, 1, 1) }]
  assert.match(report(rules, { lostEvents: 1n }), / 1 injection is missing from the log/)
  assert.match(report(rules, { lostEvents: 2n }), / 2 injections are missing from the log/)
  assert.match(report(rules, { foreignCalls: 3n }), / 3 32-bit system calls went past/)
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

for (const [expected, when] of [
  ['1+', always],
  ['5', { first: 5, last: 5, step: 1 }],
  ['2+', { first: 2, last: Number.POSITIVE_INFINITY, step: 1 }],
  ['2+3', { first: 2, last: Number.POSITIVE_INFINITY, step: 3 }],
  ['2..8', { first: 2, last: 8, step: 1 }],
  ['2..8+3', { first: 2, last: 8, step: 3 }],
] as const)
  test(`when= is shown as strace writes it: ${expected}`, () => {
    assert.equal(whenText(when), expected)
  })
