/** What a program reads at the end of a run. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { addReplaced, noneReplaced, type Replaced } from '../../../src/report/replaced.ts'
import {
  commandEnd,
  failedPeriod,
  machineReport,
  type Outcomes,
  type PeriodReport,
  periodReport,
  reportText,
  runReport,
} from '../../../src/report/run-report.ts'
import { RULES_MAX } from '../../../src/rules/encode.ts'
import { parseNetworkFault, parseSyscallFault } from '../../../src/rules/grammar.ts'
import { noCounts, type Rule, type RuleCounts } from '../../../src/rules/rule.ts'
import { parseStraceInject } from '../../../src/rules/strace.ts'
import { parseReport, schemaComplaint } from '../../helpers/report-schema.ts'

const context = { arch: 'x86_64' } as const
const openat = parseSyscallFault('openat=ENOENT', context)
const open = parseSyscallFault('open=EIO,name=opened', context)
const drop = parseNetworkFault('drop-net', '5%')
const times = { startedAt: new Date(0), durationMs: 1.23456 }
const run = { command: ['cat', 'x'], seed: 2n ** 64n - 1n }

const counts = (seen: number | bigint, matched = seen, fired = matched, taken = 0): RuleCounts => ({
  ...noCounts,
  ...{ seen: BigInt(seen), matched: BigInt(matched), fired: BigInt(fired), taken: BigInt(taken) },
})

type Done = readonly (readonly [rule: Rule, engine: string, counts: RuleCounts])[]

const period = (done: Done, more: Partial<Outcomes> = {}) =>
  periodReport(
    {
      rules: done.map(([rule]) => rule),
      engines: done.map(([, engine]) => engine),
      counts: done.map(([, , counts]) => counts),
      ...{ lostEvents: 0n, foreignCalls: 0n, notes: [], ...more },
    },
    times,
    'x86_64',
  )

const exited = commandEnd({ kind: 'exited', status: 3 })

test('the whole of it: faults in their order, whatever engine did them', () => {
  const done = period(
    [
      [openat, 'seccomp', counts(10, 4, 2)],
      [drop, 'tc', counts(7, 7, 1)],
    ],
    { notes: ['one'], lostEvents: 2n },
  )
  const report = runReport(run, exited, done)
  assert.deepEqual(parseReport(reportText(report)), {
    version: 1,
    command: ['cat', 'x'],
    end: { kind: 'exited', status: 3 },
    seed: '18446744073709551615',
    rules: [
      {
        label: 'openat=ENOENT',
        source: '--syscall openat=ENOENT',
        ...{ engine: 'seccomp', seen: 10, matched: 4, fired: 2 },
      },
      {
        label: 'drop-net 5%',
        source: '--drop-net 5%',
        ...{ engine: 'tc', seen: 7, matched: 7, fired: 1 },
      },
    ],
    notes: ['one'],
    lostEvents: 2,
    startedAt: '1970-01-01T00:00:00.000Z',
    durationMs: 1.235,
  })
})

test('a rule that never fired has the reason, and the hint if there is one; one that fired has neither', () => {
  const { rules } = period([
    [openat, 'seccomp', counts(1)],
    [open, 'seccomp', noCounts],
    [drop, 'tc', counts(3, 3, 0)],
  ])
  assert.deepEqual(
    rules.map(({ whyNotFired, hint }) => [whyNotFired, hint]),
    [
      [undefined, undefined],
      ['open was never called', "glibc's open() calls openat (%open names both)"],
      ['3 packets matched, and chance (5%) spared all', undefined],
    ],
  )
  assert.ok(!('whyNotFired' in rules[0]!) && !('hint' in rules[2]!))
})

test('an --inject of several calls is one rule with their sums, and each call that was made', () => {
  const inject = parseStraceInject('open,openat,getppid:error=EIO:when=2', context)
  const of = (engines: readonly string[], met: readonly RuleCounts[]) =>
    period(inject.map((rule, at) => [rule, engines[at] ?? 'seccomp', met[at]!]))
  const source = '--inject open,openat,getppid:error=EIO:when=2'
  const label = 'open,openat,getppid:error=EIO:when=2'
  const some = of(['seccomp', 'override'], [noCounts, counts(3, 3, 1), counts(2, 2, 0)])
  assert.deepEqual(some.rules, [
    {
      ...{ label, source, engine: 'override+seccomp', seen: 5, matched: 5, fired: 1 },
      calls: [
        { label: 'open:error=EIO:when=2', engine: 'override', seen: 3, matched: 3, fired: 1 },
        { label: 'openat:error=EIO:when=2', engine: 'seccomp', seen: 2, matched: 2, fired: 0 },
      ],
    },
  ])
  assert.deepEqual(of([], [noCounts, noCounts, noCounts]).rules, [
    {
      ...{ label, source, engine: 'seccomp', seen: 0, matched: 0, fired: 0 },
      whyNotFired: 'nothing in open,openat,getppid was called',
    },
  ])
  for (const each of [some, of([], [noCounts, noCounts, noCounts])])
    parseReport(reportText(runReport(run, exited, each)))
})

test('calls of another ABI are a note, before the others', () => {
  const { notes } = period([], { foreignCalls: 1n, notes: ['other'] })
  const note = '1 32-bit system call bypassed the rules, which name 64-bit ones'
  assert.deepEqual(notes, [note, 'other'])
})

test('counts are exact up to 2^53, and above that the nearest number', () => {
  const { rules } = period([[openat, 'seccomp', counts(2n ** 64n - 1n, 2n ** 53n, 1)]])
  assert.deepEqual([rules[0]!.seen, rules[0]!.matched], [2 ** 64, 2 ** 53])
})

test('signals go by their names', () => {
  const named = [9, 36, 64].map((signal) => commandEnd({ kind: 'killed', signal }))
  assert.deepEqual(
    named,
    ['SIGKILL', 'SIGRTMIN+2', 'SIGRTMAX'].map((signal) => ({ kind: 'killed', signal })),
  )
})

test('nothing in the text acts on a terminal, and the values come back as they were', () => {
  const command = ['a\nb', '\x1b[2J', '\u{9b}1A', '\u202e', '\u2028', '"\\']
  const text = reportText(runReport({ ...run, command }, exited, period([])))
  assert.match(text, /^\{\n {2}"version": 1,\n/)
  assert.ok(text.endsWith('\n}\n'))
  assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
  assert.deepEqual(parseReport(text).command, command)
})

test('of the whole machine: its files, how it ended, and what earlier rules did', () => {
  const machine = {
    files: ['a.yaml', '-'],
    seed: 7n,
    replaced: [period([[openat, 'override', counts(1)]])],
    replacedBefore: undefined,
  }
  const report = machineReport(machine, { kind: 'ended' }, period([[drop, 'tc', counts(2)]]))
  const read = parseReport(reportText(report))
  assert.deepEqual([read.files, read.end, read.seed], [['a.yaml', '-'], { kind: 'ended' }, '7'])
  assert.deepEqual([read.rules[0].fired, read.replaced[0].rules[0].fired], [2, 1])
  const first = machineReport({ ...machine, replaced: [] }, { kind: 'ended' }, period([]))
  assert.ok(!('replaced' in parseReport(reportText(first))))
})

test('of many sets of rules the earliest are summed up, so that the report stays within bounds', () => {
  const set = (fired: number, notes: readonly string[] = []) =>
    period([[openat, 'override', counts(fired)]], { lostEvents: 1n, notes })
  const machine = (replaced: Replaced) =>
    parseReport(
      reportText(
        machineReport({ files: ['a'], seed: 1n, ...replaced }, { kind: 'ended' }, period([])),
      ),
    )
  // Each is of size 2, the last but one of size 4.
  const sets = [set(1), set(2), set(4, ['one', 'two']), set(8)]
  const after = (most: number) =>
    machine(sets.reduce((all, each) => addReplaced(all, each, most), noneReplaced))
  const all = after(10)
  assert.equal(all.replaced.length, 4)
  assert.ok(!('replacedBefore' in all))
  const { startedAt, durationMs } = sets[0]!
  const sum = (of: number, fired: number) => ({
    ...{ sets: of, fired, lostEvents: of, startedAt },
    durationMs: Math.round(durationMs * of * 1000) / 1000,
  })
  for (const [most, fired, before] of [
    [9, [2, 4, 8], sum(1, 1)],
    [6, [4, 8], sum(2, 3)],
    [5, [8], sum(3, 7)],
  ] as const) {
    const { replaced, replacedBefore } = after(most)
    assert.deepEqual(
      replaced.map(({ rules }: PeriodReport) => rules[0]!.fired),
      fired,
    )
    assert.deepEqual(replacedBefore, before)
  }
  const none = after(1)
  assert.ok(!('replaced' in none))
  assert.deepEqual(none.replacedBefore, sum(4, 15))
})

test('a set of as many rules as there can be is listed', () => {
  const rules = new Array(RULES_MAX).fill([openat, 'override', counts(1)])
  const { replaced, replacedBefore } = addReplaced(noneReplaced, period(rules))
  assert.deepEqual([replaced.length, replacedBefore], [1, undefined])
})

test('a run that failed has the error, and nothing of its rules', () => {
  const error = { code: 'MB_SECCOMP', message: 'no', hint: 'yes' }
  for (const report of [
    runReport(run, { kind: 'failed', error }, failedPeriod(times)),
    machineReport(
      { files: ['a'], seed: 1n, ...noneReplaced },
      { kind: 'failed', error },
      failedPeriod(times),
    ),
  ]) {
    const { end, rules, notes } = parseReport(reportText(report))
    assert.deepEqual(
      { end, rules, notes },
      { end: { kind: 'failed', error }, rules: [], notes: [] },
    )
  }
})

test('the schema takes keys that are to come, and no report that lacks a key or has a wrong one', () => {
  const good = runReport(run, exited, period([[openat, 'seccomp', counts(1)]]))
  assert.equal(schemaComplaint({ ...good, end: { kind: 'timed-out' } }), undefined)
  assert.equal(schemaComplaint({ ...good, later: 1 }, 'open'), undefined)
  assert.ok(schemaComplaint({ ...good, later: 1 }))
  for (const key of Object.keys(good))
    assert.ok(schemaComplaint({ ...good, [key]: undefined }, 'open'), key)
  const [rule] = good.rules
  for (const wrong of [
    { version: 2 },
    { seed: 1 },
    { end: { kind: 'ended' } },
    { end: { kind: 'exited' } },
    { rules: [{ ...rule, fired: -1 }] },
    { rules: [{ ...rule, fired: '1' }] },
    { rules: [{ ...rule, label: undefined }] },
    { startedAt: 'yesterday' },
  ])
    assert.ok(schemaComplaint({ ...good, ...wrong }, 'open'), JSON.stringify(wrong))
})

test('the example of docs/report.md fits the schema', () => {
  const page = readFileSync(new URL('../../../docs/report.md', import.meta.url), 'utf8')
  const [, example = ''] = /```json\n([\s\S]*?)```/.exec(page) ?? []
  assert.equal(parseReport(example).rules[1].whyNotFired, 'open was never called')
})
