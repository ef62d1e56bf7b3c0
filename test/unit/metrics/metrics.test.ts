/** --metrics: where it listens, and what it says, in Prometheus' format. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { connect } from 'node:net'
import test from 'node:test'
import { MinderbinderError } from '../../../src/errors.ts'
import { formatAddress, parseAddress } from '../../../src/metrics/address.ts'
import { exposition } from '../../../src/metrics/exposition.ts'
import { openMetrics } from '../../../src/metrics/server.ts'
import { activity, ruleActivity } from '../../helpers/activity.ts'
import { requires } from '../../helpers/requires.ts'

const hostile = 'a"} 1\nminderbinder_targets 666\n\\'
const sample = activity({
  rules: [ruleActivity('break_curl', 30, 20), ruleActivity(hostile, 7, 0, 'tc')],
  targets: [{ pid: 1, name: 'curl', rules: [] }],
  calls: {
    succeeded: 100n,
    failed: 9n,
    contextSwitches: 12n,
    byCall: [
      { name: '32-bit', succeeded: 3n, failed: 0n },
      { name: 'openat', succeeded: 97n, failed: 9n },
    ],
  },
  lostEvents: 2n,
})

test('addresses', () => {
  const cases: [string, string][] = [
    ['9090', '127.0.0.1:9090'],
    [':9090', '127.0.0.1:9090'],
    ['localhost:1', '127.0.0.1:1'],
    ['0.0.0.0:65535', '0.0.0.0:65535'],
    ['[::1]:9090', '[::1]:9090'],
    [':0', '127.0.0.1:0'],
  ]
  for (const [text, address] of cases) assert.equal(formatAddress(parseAddress(text)), address)
})

for (const text of [
  '',
  ':',
  '65536',
  '1.2.3:80',
  '::1:80',
  '[1.2.3.4]:80',
  '[]:80',
  'example.com:80',
  '127.0.0.1',
  '-1',
  '9090 ',
  '1.2.3.4:1:2',
])
  test(`'${text}' is no address`, () => {
    assert.throws(
      () => parseAddress(text),
      (error) => error instanceof MinderbinderError && error.code === 'MB_USAGE',
    )
  })

test('every count under its name; whatever a rule is called stays inside its label', async () => {
  const { text } = await exposition(sample, '1.2.3')
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  const escaped = 'a\\"} 1\\nminderbinder_targets 666\\n\\\\'
  assert.deepEqual(lines, [
    'minderbinder_build_info{version="1.2.3"} 1',
    'minderbinder_rule_seen_total{rule="break_curl",engine="seccomp"} 30',
    `minderbinder_rule_seen_total{rule="${escaped}",engine="tc"} 7`,
    'minderbinder_rule_matched_total{rule="break_curl",engine="seccomp"} 30',
    `minderbinder_rule_matched_total{rule="${escaped}",engine="tc"} 7`,
    'minderbinder_rule_fired_total{rule="break_curl",engine="seccomp"} 20',
    `minderbinder_rule_fired_total{rule="${escaped}",engine="tc"} 0`,
    'minderbinder_targets 1',
    'minderbinder_events_lost_total 2',
    'minderbinder_target_syscalls_total{syscall="32-bit",result="ok"} 3',
    'minderbinder_target_syscalls_total{syscall="32-bit",result="error"} 0',
    'minderbinder_target_syscalls_total{syscall="openat",result="ok"} 97',
    'minderbinder_target_syscalls_total{syscall="openat",result="error"} 9',
    'minderbinder_target_context_switches_total 12',
  ])
  const without = await exposition(activity(), '1')
  assert.doesNotMatch(without.text, /target_syscalls|context_switches/)
})

test('promtool finds nothing to say about it', async (t) => {
  if (!requires(t, 'promtool')) return
  const { text } = await exposition(sample, '1.2.3')
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text })
  assert.equal(`${stdout}${stderr}`, '')
  assert.equal(status, 0)
})

test('GET /metrics and nothing else, asked anew each time', async () => {
  let asked = 0
  const server = await openMetrics(':0', async () => {
    asked += 1
    return activity({ targetCount: asked })
  })
  const url = `http://${server.address}`
  try {
    for (const count of [1, 2]) {
      const response = await fetch(`${url}/metrics`)
      assert.equal(response.status, 200)
      assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
      assert.match(await response.text(), new RegExp(`^minderbinder_targets ${count}$`, 'm'))
    }
    assert.equal((await fetch(`${url}/`)).status, 404)
    assert.equal((await fetch(`${url}/metrics/../etc`)).status, 404)
    const posted = await fetch(`${url}/metrics`, { method: 'POST', body: 'x' })
    assert.equal(posted.status, 405)
    const head = await fetch(`${url}/metrics`, { method: 'HEAD' })
    assert.equal(await head.text(), '')
  } finally {
    await server.close()
    await server.close()
  }
  await assert.rejects(fetch(`${url}/metrics`))
})

test('a sample that fails is an answer, and the server goes on', async () => {
  let fails = true
  const server = await openMetrics(':0', async () => {
    if (fails) throw new Error('over')
    return activity()
  })
  assert.equal((await fetch(`http://${server.address}/metrics`)).status, 503)
  fails = false
  assert.equal((await fetch(`http://${server.address}/metrics`)).status, 200)
  await server.close()
})

test('close() does not wait for whoever keeps a connection open', async () => {
  const server = await openMetrics(':0', async () => activity())
  const socket = connect(Number(server.address.split(':')[1]), '127.0.0.1')
  const gone = new Promise((resolve) => socket.on('close', resolve))
  socket.on('error', () => {})
  await new Promise((resolve) => socket.on('connect', resolve))
  socket.write('GET /metrics HTTP/1.1\r\n')
  await server.close()
  await gone
})

test('a port that another has is an error that says so', async () => {
  const server = await openMetrics(':0', async () => activity())
  await assert.rejects(
    openMetrics(server.address, async () => activity()),
    (error) =>
      error instanceof MinderbinderError &&
      error.code === 'MB_METRICS' &&
      error.message.includes(server.address) &&
      error.message.includes('EADDRINUSE'),
  )
  await server.close()
})
