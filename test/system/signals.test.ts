/** Signals sent to minderbinder reach the child, with no terminal in sight. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import test from 'node:test'
import { fixture } from '../helpers/fixture.ts'
import { identities } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, run, start, startMinderbinder } from '../helpers/run.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { until } from '../helpers/until.ts'

const prefix = ['exec', '-q', '--syscall', 'openat=ENOENT@0%', '--']

for (const { title, options } of identities)
  for (const name of [
    'SIGTERM',
    'SIGHUP',
    'SIGUSR1',
    'SIGUSR2',
    'SIGALRM',
    'SIGINT',
    'SIGQUIT',
    'SIGWINCH',
    'SIGRTMIN',
  ] as const)
    test(`${name} is passed on, once, ${title}`, async (t) => {
      if (!requires(t, 'cc')) return
      const number = name === 'SIGRTMIN' ? 34 : constants.signals[name]
      const running = startMinderbinder([...prefix, fixture('signals'), '1'], options)
      await until(() => running.stdout().includes('ready'), { what: 'the child ready' })
      process.kill(running.pid, number)
      if (name !== 'SIGWINCH') {
        assert.equal((await running.result).stdout, `ready\ngot ${number}\n`)
        return
      }
      // The child does not count it: another follows.
      await until(() => running.stdout().includes(`got ${number}`), { what: name })
      process.kill(running.pid, constants.signals.SIGTERM)
      assert.equal((await running.result).stdout, `ready\ngot ${number}\ngot 15\n`)
    })

test('SIGTERM before the child has started: nothing is left, and we die of it', async () => {
  const before = systemState()
  for (let i = 0; i < 20; i++) {
    const running = startMinderbinder([...prefix, 'sleep', '100'])
    // The shell in front of us is replaced within a millisecond or so: every stage of the start is met.
    await until(() => running.pid > 0, { what: 'a pid' })
    for (let wait = 0; wait < i; wait++) await new Promise((resolve) => setTimeout(resolve, 3))
    running.child.kill('SIGTERM')
    const done = await running.result
    assert.equal(done.signal ?? done.status, 'SIGTERM', done.stderr)
    assert.equal(done.stderr, '')
  }
  await nothingLeft(before)
})

test('in a session without a terminal, and under nohup', async (t) => {
  if (!requires(t, 'nohup')) return
  const done = await run([
    'setsid',
    '--wait',
    'nohup',
    minderbinder,
    ...prefix,
    'sh',
    '-c',
    'exit 3',
  ])
  assert.equal(done.status, 3)
})

test('under nohup a hangup changes nothing', async (t) => {
  if (!requires(t, 'nohup', 'cc')) return
  const running = start([
    'nohup',
    minderbinder,
    ...prefix,
    'sh',
    '-c',
    'echo ready; read a; exit 4',
  ])
  await until(() => running.stdout().includes('ready'), { what: 'the child ready' })
  process.kill(running.pid, constants.signals.SIGHUP)
  running.child.stdin?.end('\n')
  assert.equal((await running.result).status, 4)
})

test('under timeout: the child is ended, and timeout’s status is its own', async () => {
  const before = systemState()
  const done = await run(['timeout', '1', minderbinder, ...prefix, 'sleep', '100'])
  assert.equal(done.status, 124)
  await nothingLeft(before)
})

test('a child that stops itself stops minderbinder too, and SIGCONT starts both', async () => {
  const running = startMinderbinder([...prefix, 'sh', '-c', 'kill -STOP $$; echo continued'])
  const state = () => readFileSync(`/proc/${running.pid}/stat`, 'utf8').split(') ')[1]?.[0]
  await until(() => state() === 'T', { what: 'minderbinder stopped' })
  process.kill(running.pid, constants.signals.SIGCONT)
  const done = await running.result
  assert.deepEqual([done.stdout, done.status], ['continued\n', 0])
})
