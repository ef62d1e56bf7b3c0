/** SIGHUP while processes come and go: each is under one of the two sets of rules, none under both or neither. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { fixture } from '../helpers/fixture.ts'
import { acceptConnections } from '../helpers/loopback.ts'
import { programCalled, startRun } from '../helpers/machine-run.ts'
import { requires } from '../helpers/requires.ts'
import { start } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { until } from '../helpers/until.ts'

const count = process.env.MINDERBINDER_TEST_QUICK ? 1500 : 3000

async function reloadInStorm(t: TestContext, yaml: string): Promise<void> {
  // What is refused there was refused by us.
  const port = await acceptConnections(t)
  const program = programCalled(t, 'mb-storm', fixture('storm', { link: 'static' }))
  const log = join(scratch(t), 'log')
  const run = await startRun(t, yaml, { args: ['--log', log] })
  const reloads = () => run.running.stderr().split('read again').length - 1
  const storm = start([fixture('storm'), `${count}`, '8', `${port}`, program], { timeout: 240_000 })
  while (storm.child.exitCode === null) {
    const before = reloads()
    run.running.child.kill('SIGHUP')
    await until(() => reloads() > before || storm.child.exitCode !== null, {
      what: 'the file read again',
    })
  }
  const during = reloads()
  const { stdout, stderr } = await storm.result
  assert.equal(Number(stdout.split(' ')[0]), count, stderr)
  const result = await run.end()
  assert.equal(result.status, 0, result.stderr)
  assert.doesNotMatch(result.stderr, /lost|bypassed/)
  const lines = readFileSync(log, 'utf8').trim().split('\n')
  const pids = lines.map((line) => JSON.parse(line).pid)
  assert.deepEqual([lines.length, new Set(pids).size], [count, count])
  // Each set's own summary.
  const fired = [...result.stderr.matchAll(/^minderbinder: storm .* (\d+)$/gm)]
  assert.equal(fired.length, result.stderr.split('read again').length)
  assert.equal(
    fired.reduce((sum, [, each]) => sum + Number(each), 0),
    count,
    result.stderr,
  )
  assert.ok(during > 0, 'the storm was over before the first file was read')
  t.diagnostic(`${during} times the file was read again`)
}

test('connections are refused once each', async (t) => {
  if (!requires(t, 'root', 'cgroup2', 'libbpf', 'cc', 'cc-static')) return
  await reloadInStorm(
    t,
    'agents_of_chaos: {outgoing_network: [{name: storm, outcome: refuse, targets: [{process_name: mb-storm}]}]}',
  )
})

test('system calls fail once each', async (t) => {
  // The rules to come are attached beside those that are in force.
  if (!requires(t, 'root', 'libbpf', 'cc', 'cc-static', 'linux:override', 'linux:path')) return
  await reloadInStorm(
    t,
    'agents_of_chaos: {syscall: [{name: storm, syscall: connect, ret_code: ECONNREFUSED, targets: [{process_name: mb-storm}]}]}',
  )
})
