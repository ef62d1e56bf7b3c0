/** The screen for any size: complete where there is room, degraded where there is not, never broken. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { Activity } from '../../../src/report/activity.ts'
import { History } from '../../../src/view/history.ts'
import type { ScreenInput } from '../../../src/view/input.ts'
import { plainText } from '../../../src/view/line.ts'
import { screen } from '../../../src/view/screen.ts'
import { width } from '../../../src/view/text.ts'
import { activity, ruleActivity } from '../../helpers/activity.ts'

interface Shown {
  readonly rules?: number
  readonly columns?: number
  readonly rows?: number
  readonly input?: Partial<ScreenInput>
  readonly activity?: Partial<Activity>
}

function shown({ rules = 2, columns = 100, rows = 30, input, activity: some }: Shown): string[] {
  return linesOf(historyOf(rules, some), { size: { columns, rows }, ...input })
}

function historyOf(rules: number, some?: Partial<Activity>): History {
  const history = new History()
  for (const second of [0, 1, 2])
    history.add(
      activity({
        atMs: second * 1000,
        rules: Array.from({ length: rules }, (_, index) =>
          ruleActivity(`rule_${index}`, 100 * second, 10 * second * index),
        ),
        calls: {
          succeeded: BigInt(second * 1234),
          failed: BigInt(second * 56),
          contextSwitches: BigInt(second * 7),
          byCall: [
            { name: 'close', succeeded: BigInt(second * 1200), failed: 0n },
            { name: 'openat', succeeded: BigInt(second * 34), failed: BigInt(second * 50) },
            { name: 'read', succeeded: 0n, failed: BigInt(second * 6) },
          ],
        },
        targets: [
          { pid: 4711, name: 'curl', rules: ['rule_0'] },
          { pid: 42, name: 'evil\x1b[H', rules: ['rule_0', 'rule_1'] },
        ],
        targetCount: 9,
        injections: ['12:00:01.000 curl[4711] openat /etc/hosts: ENOENT (rule_1, 3rd)'],
        ...some,
      }),
    )
  return history
}

function linesOf(history: History, input: Partial<ScreenInput>): string[] {
  const { lines } = screen({
    title: 'minderbinder run config.yaml',
    seed: '17',
    history,
    size: { columns: 100, rows: 30 },
    charset: 'unicode',
    scroll: 0,
    keys: 'own',
    leftOut: [],
    words: '',
    ...input,
  })
  return lines.map(plainText)
}

test('with room for all: rules with graphs, calls, targets and injections', () => {
  const lines = shown({})
  const text = lines.join('\n')
  assert.match(lines[0]!, /^minderbinder run config\.yaml .* seed 17 {2}0:02$/)
  assert.match(text, /^rule_1 {2}seccomp: rule_1 fails$/m)
  assert.match(
    text,
    /^seen 200 {2}now 100\/s {2}peak 100\/s .*fired 20 {2}now 10\/s {2}peak 10\/s/m,
  )
  assert.match(text, /^ +█+ +█+$/m)
  assert.match(
    text,
    /calls succeeding 1234\/s +failing 56\/s {2}peak 56\/s +context switches 7\/s {2}peak 7\/s/,
  )
  assert.match(text, /^targets 9 .*last injections$/m)
  assert.match(
    text,
    /^ +4711 curl {2}rule_0 .*12:00:01\.000 curl\[4711\] openat \/etc\/hosts: ENOENT/m,
  )
  assert.match(text, /^ +42 evil\\x1b\[H {2}all rules/m)
  assert.match(text, /^and 7 more/m)
  assert.match(
    lines.at(-1)!,
    /^q quits +each column is 1 s, the newest at the right; a full bar is the peak$/,
  )
})

test('where room is short, words go before numbers do', () => {
  const byCall = [{ name: 'openat', succeeded: 123_456n, failed: 98_765n }]
  const calls = { succeeded: 123_456n, failed: 98_765n, contextSwitches: 54_321n, byCall }
  for (const [columns, row] of [
    [80, /^calls succeeding 123k\/s +failing 98\.8k\/s +context switches 54\.3k\/s$/],
    [60, /^succeeding 123k\/s +failing 98\.8k\/s +switches 54\.3k\/s$/],
    [40, /^ok 123k\/s +bad 98\.8k\/s +csw 54\.3k\/s$/],
    [28, /^123k\/s +98\.8k\/s +54\.3k\/s$/],
  ] as const) {
    const history = new History()
    for (const second of [0, 1])
      history.add(
        activity({
          atMs: second * 1000,
          rules: [ruleActivity('rule', 1_234_567 * second, 98_765 * second)],
          calls: second ? calls : { ...calls, succeeded: 0n, failed: 0n, contextSwitches: 0n },
        }),
      )
    const lines = linesOf(history, { size: { columns, rows: 24 } })
    assert.ok(
      lines.some((line) => row.test(line.trimEnd())),
      `${columns}: ${lines.join('\n')}`,
    )
    const numbers =
      columns >= 60
        ? /^seen 1\.2M {2}now 1\.2M\/s.* fired 98\.8k {2}now 98\.8k\/s/m
        : /^seen 1\.2M .*fired 98\.8k/m
    assert.match(lines.join('\n'), numbers)
  }
})

test('calls by name, what fails most first; those that there is no room for are counted', () => {
  const line = (columns: number) =>
    shown({ columns })
      .find((each) => each.startsWith('failed of all'))
      ?.trimEnd()
  assert.equal(line(100), 'failed of all  openat 100 of 168, read 12 of 12, close 0 of 2400')
  assert.equal(line(50), 'failed of all  openat 100 of 168, 2 others')
  assert.equal(line(32), 'failed of all  openat 100 of 16…')
  assert.ok(!shown({ rows: 18 }).some((each) => each.startsWith('failed of all')))
})

test('each heading of the table of rules is whole, or is not there', () => {
  for (let columns = 30; columns <= 90; columns++) {
    const lines = shown({ columns, rows: 14, rules: 9 })
    const heading = lines.find((line) => line.startsWith('rule ')) ?? ''
    assert.doesNotMatch(heading, /…/, `${columns}`)
    assert.match(heading, /seen +fired/, `${columns}`)
  }
})

test('how to read the graphs: as many words as there is room for', () => {
  const legend = (columns: number) =>
    shown({ columns })
      .at(-1)!
      .replace(/^q quits */, '')
  assert.match(legend(100), /^each column is 1 s, the newest at the right; a full bar is the peak$/)
  assert.equal(legend(60), 'each column is 1 s; a full bar is the peak')
  assert.equal(legend(40), 'column 1 s, full bar: peak')
  assert.equal(legend(30), 'column 1 s')
  assert.equal(legend(12), '')
})

test('rules that were left out are in view: each with its reason where there is room', () => {
  const leftOut = ['break_curl: override: no kprobes', 'late: override: no delays']
  const tall = shown({ rows: 40, input: { leftOut } }).join('\n')
  assert.match(
    tall,
    /^left out: break_curl: override: no kprobes\nleft out: late: override: no delays$/m,
  )
  const small = shown({ columns: 60, rows: 12, rules: 9, input: { leftOut } }).join('\n')
  assert.match(small, /^2 rules left out: break_curl: override: no kprobes; late: /m)
  assert.match(small, /^rule_1 +200 +20 /m)
  assert.doesNotMatch(shown({}).join('\n'), /left out/)
})

test('what a rule does is shown without its engine before it is cut', () => {
  const what = 'outgoing packets are lost silently with a chance of 50% each time'
  const rule = { ...ruleActivity('drop-net 50%', 1, 1), what, engine: 'seccomp' }
  const title = (columns: number) =>
    shown({ columns, activity: { rules: [rule] } }).find((line) => line.startsWith('drop-net'))
  assert.equal(title(100), `drop-net 50%  seccomp: ${what}`)
  assert.equal(title(80), `drop-net 50%  ${what}`)
})

test('many rules: one line each, the number of the others, and scrolling to the last', () => {
  const at = (scroll: number) => shown({ rules: 40, input: { scroll } }).join('\n')
  assert.match(at(0), /^rule_0 +seccomp +200 +0 /m)
  assert.match(at(0), /^and \d\d more$/m)
  assert.doesNotMatch(at(0), /rule_39/)
  assert.match(at(5), /^5 more above, and \d+ more$/m)
  assert.match(at(1e9), /^rule_39 +seccomp +200 +780 /m)
  assert.match(at(1e9), /^\d+ more above$/m)
})

test('a rule that has not fired says why, in the place of its empty graphs', () => {
  const rule = (seen: number, fired: number) => ({
    ...ruleActivity('open', seen, fired),
    silence: fired > 0 ? [] : ['so far open was never called', 'glibc calls openat'],
  })
  const text = (seen: number, fired: number) =>
    shown({ activity: { rules: [rule(seen, fired)] } }).join('\n')
  assert.match(text(0, 0), /^so far open was never called\nglibc calls openat$/m)
  assert.match(text(9, 0), /^ {51}so far open was never called$/m)
  assert.doesNotMatch(text(9, 1), /so far/)
})

test('40 columns and 10 rows: each rule in view, what is fired, and the rest in a word', () => {
  const lines = shown({ columns: 40, rows: 10, rules: 9 })
  const text = lines.join('\n')
  assert.equal(lines.length, 10)
  assert.match(text, /^rule_1 +200 +20 /m)
  assert.match(text, /^and 6 more$/m)
  assert.match(text, /^ok 1234\/s +failing 56\/s +switches 7\/s$/m)
  assert.match(text, /^targets 9: curl 4711, evil/m)
})

test('every size: as many lines as rows, none wider than the columns', () => {
  // All that are near a change of layout, and some of the others.
  const widths = [
    1, 2, 3, 5, 8, 12, 19, 20, 28, 39, 40, 41, 59, 60, 61, 75, 76, 77, 89, 90, 91, 130,
  ]
  const heights = [...Array.from({ length: 24 }, (_, at) => at + 1), 30, 38, 40, 60]
  const leftOut = ['late: override: no delays', 'sent: override: no signals']
  for (const rules of [0, 1, 3, 50]) {
    const history = historyOf(rules)
    for (const columns of widths)
      for (const rows of heights) {
        const lines = linesOf(history, { size: { columns, rows }, leftOut })
        assert.equal(lines.length, rows, `${columns}x${rows}, ${rules} rules`)
        for (const line of lines)
          assert.ok(width(line) <= columns, `${columns}x${rows}, ${rules} rules: ${line}`)
      }
  }
})

test('in ASCII there is nothing else', () => {
  const lines = shown({
    input: { charset: 'ascii', title: 'naïve' },
    activity: { injections: ['漢'] },
  })
  for (const line of lines) assert.match(line, /^[ -~]*$/)
})

test('what is not counted, and why; what was lost', () => {
  const text = shown({
    activity: { calls: undefined, callsMissing: 'this needs root', lostEvents: 3n },
  }).join('\n')
  assert.match(text, /^system calls and context switches are not counted: this needs root$/m)
  assert.match(text, /^3 injections not shown: they came too fast {2}q quits /m)
})

test('what was said last stands below', () => {
  const last = shown({ input: { words: 'file.yaml:3: unknown key\x1b[H' } }).at(-1)
  assert.match(last!, /^q quits {2}file\.yaml:3: unknown key\\x1b\[H /)
})

test('before the first look there is a title and a word', () => {
  const { lines } = screen({
    title: 'minderbinder',
    seed: '1',
    history: new History(),
    size: { columns: 60, rows: 10 },
    charset: 'unicode',
    scroll: 0,
    keys: 'command',
    leftOut: [],
    words: '',
  })
  assert.match(lines.map(plainText).join('\n'), /waiting for the first numbers/)
})
