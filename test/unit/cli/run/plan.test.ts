/** What run does of the rules of its files, and what it refuses. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { planRun } from '../../../../src/cli/run/plan.ts'
import { parseConfig } from '../../../../src/config/config.ts'
import { type ErrorCode, MinderbinderError } from '../../../../src/errors.ts'
import { requires } from '../../../helpers/requires.ts'

const nothing = { interface: undefined, skipUnsupported: false }

/** The rest of each rule; every one is for curl by default. */
function rulesOf(
  sections: Readonly<Record<string, readonly string[]>>,
  targets = 'targets: [{process_name: curl}]',
) {
  const text = Object.entries(sections)
    .map(
      ([name, rules]) =>
        `  ${name}:\n${rules.map((each) => `    - {${[each, targets].filter(Boolean).join(', ')}}\n`).join('')}`,
    )
    .join('')
  return parseConfig([{ name: 'x.yaml', text: `agents_of_chaos:\n${text}` }], { arch: 'x86_64' })
}

function refuses(plan: () => unknown, code: ErrorCode, says: RegExp): void {
  assert.throws(plan, (error) => {
    assert.ok(error instanceof MinderbinderError, String(error))
    assert.equal(error.code, code)
    assert.match(`${error.message}\n${error.hint}`, says)
    return true
  })
}

test('a rule without targets would be for everybody, and is refused', () => {
  const rules = rulesOf({ outgoing_network: ['name: all'] }, '')
  refuses(
    () => planRun(rules, nothing),
    'MB_CONFIG',
    /all names no targets.*\n.*process_name: '\*'/,
  )
})

test('who is not root hears so', (t) => {
  t.mock.method(process as { geteuid(): number }, 'geteuid', () => 1000)
  const rules = rulesOf({ outgoing_network: ['name: x'] })
  refuses(() => planRun(rules, nothing), 'MB_NO_PERMISSION', /needs root/)
})

test('each network rule has its engine, by its place in what is done', (t) => {
  if (!requires(t, 'root')) return
  const rules = rulesOf({
    outgoing_network: ['name: lose', 'name: refuse, outcome: refuse'],
    incoming_network: ['name: lose_in'],
  })
  const { engines, skipped, rules: done } = planRun(rules, { ...nothing, interface: undefined })
  assert.deepEqual(
    [...engines].map(([{ name }, indices]) => [name, indices.map((index) => done[index]!.label)]),
    [
      ['tc', ['lose']],
      ['cgroup', ['refuse', 'lose_in']],
    ],
  )
  assert.deepEqual(skipped, [])
})

test('--interface is for all network rules, and a contradiction is refused', (t) => {
  if (!requires(t, 'root')) return
  const rules = rulesOf({ outgoing_network: ['name: lose', 'name: other, interface: eth1'] })
  const limited = planRun(rules.slice(0, 1), { ...nothing, interface: 'eth0' })
  assert.deepEqual(
    limited.rules.map((rule) => 'interface' in rule && rule.interface),
    ['eth0'],
  )
  refuses(() => planRun(rules, { ...nothing, interface: 'eth0' }), 'MB_FAULT_VALUE', /other is for/)
})

test('what no engine can do here is an error, or is left out and said', (t) => {
  if (!requires(t, 'root')) return
  const mixed = rulesOf({
    syscall: [
      'name: late, syscall: fsync, outcome: "delay:5ms"',
      'name: sent, syscall: dup, outcome: "signal:SIGTERM"',
    ],
    outgoing_network: ['name: lose'],
  })
  refuses(
    () => planRun(mixed, nothing),
    'MB_NO_ENGINE',
    /no engine can do late: .*override.*; sent: .*\nrun --skip-unsupported applies the other rule; exec --config FILE -- COMMAND /,
  )
  const { rules, engines, skipped } = planRun(mixed, { ...nothing, skipUnsupported: true })
  assert.deepEqual(
    rules.map(({ label }) => label),
    ['lose'],
  )
  assert.deepEqual([...engines.values()], [[0]])
  assert.deepEqual(
    skipped.map((line) => line.split(':')[0]),
    ['late', 'sent'],
  )
  const none = mixed.filter(({ kind }) => kind === 'syscall')
  refuses(
    () => planRun(none, { ...nothing, skipUnsupported: true }),
    'MB_NO_ENGINE',
    /no engine can do late: .*; sent: .*\nexec --config FILE -- COMMAND /,
  )
  refuses(() => planRun([], nothing), 'MB_CONFIG', /the files have no rules/)
})
