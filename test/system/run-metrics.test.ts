/** run --metrics: Prometheus asks while it runs, and what it is told is in its format and true. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import test from 'node:test'
import { echoDatagrams, freePort } from '../helpers/loopback.ts'
import { startClient, startRun } from '../helpers/machine-run.ts'
import { requires } from '../helpers/requires.ts'
import { start, startMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { until } from '../helpers/until.ts'

const needs = ['root', 'cgroup2', 'libbpf', 'cc'] as const

const rules = (name: string, port: number) => `agents_of_chaos:
  outgoing_network:
    - {name: ${name}, proto: udp, port: ${port}, targets: [{process_name: mb-metered}]}
`

test('counts of rules, targets and calls; promtool finds nothing wrong; other rules after SIGHUP; nobody answers afterwards', async (t) => {
  if (!requires(t, ...needs, 'promtool')) return
  const port = await echoDatagrams(t)
  const state = systemState()
  const client = await startClient(t, { name: 'mb-metered', port })
  const metricsPort = await freePort()
  const url = `http://127.0.0.1:${metricsPort}/metrics`
  const work = await startRun(t, rules('lose', port), { args: ['--metrics', `${metricsPort}`] })
  const scrape = async () => {
    const response = await fetch(url)
    assert.equal(response.status, 200)
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
    const text = await response.text()
    const value = (series: string) => {
      const line = text.split('\n').find((each) => each.startsWith(`${series} `))
      return line === undefined ? undefined : Number(line.slice(series.length))
    }
    return { text, value }
  }
  const fired = (rule: string) => `minderbinder_rule_fired_total{rule="${rule}",engine="tc"}`
  assert.equal((await scrape()).value(fired('lose')), 0)
  for (let i = 0; i < 3; i++) assert.equal(await client.ask('udp'), 'lost')
  assert.equal(await client.ask('tcp'), 'ECONNREFUSED') // a call that fails by itself
  const { text, value } = await scrape()
  assert.equal(value(fired('lose')), 3)
  assert.equal(value('minderbinder_rule_matched_total{rule="lose",engine="tc"}'), 3)
  assert.equal(value('minderbinder_targets'), 1)
  assert.equal(value('minderbinder_events_lost_total'), 0)
  const calls = (syscall: string, result: string) =>
    value(`minderbinder_target_syscalls_total{syscall="${syscall}",result="${result}"}`)
  assert.equal(calls('socket', 'ok'), 1)
  assert.equal(calls('connect', 'error'), 1)
  assert.ok((calls('poll', 'ok') ?? calls('ppoll', 'ok'))! >= 3)
  assert.ok(value('minderbinder_target_context_switches_total')! > 0)
  const promtool = start(['promtool', 'check', 'metrics'])
  promtool.child.stdin?.end(text)
  const { status, stdout, stderr } = await promtool.result
  assert.deepEqual([status, stdout, stderr], [0, '', ''])

  writeFileSync(work.file, rules('lose_more', port))
  work.running.child.kill('SIGHUP')
  await until(async () => (await scrape()).value(fired('lose_more')) === 0, { what: 'new rules' })
  assert.equal(await client.ask('udp'), 'lost')
  const again = await scrape()
  assert.equal(again.value(fired('lose_more')), 1)
  assert.equal(again.value(fired('lose')), undefined)
  assert.equal((await work.end()).status, 0)
  await assert.rejects(fetch(url))
  await client.end()
  await nothingLeft(state)
})

test('where another has the port it does not begin, and nothing is left', async (t) => {
  if (!requires(t, ...needs)) return
  const server = createServer().listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const state = systemState()
  const file = `${scratch(t)}/config.yaml`
  writeFileSync(file, rules('lose', 9))
  const done = await startMinderbinder(['run', '--metrics', `:${port}`, file]).result
  assert.equal(done.status, 1)
  assert.match(done.stderr, new RegExp(`cannot serve at 127\\.0\\.0\\.1:${port}: EADDRINUSE`))
  assert.doesNotMatch(done.stdout, /start:/)
  await nothingLeft(state)
})

test('an address that is none: called wrongly', async (t) => {
  if (!requires(t, ...needs)) return
  const file = `${scratch(t)}/config.yaml`
  writeFileSync(file, rules('lose', 9))
  const done = await startMinderbinder(['run', '--metrics', 'nowhere', file]).result
  assert.equal(done.status, 2)
  assert.match(done.stderr, /--metrics: 'nowhere' is not an address and a port/)
})
