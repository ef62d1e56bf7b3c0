/** signal: comes before its call: a deadly one instead of it, a handler before it. test/fixtures/signalled.c looks. */
import assert from 'node:assert/strict'
import { constants } from 'node:os'
import test, { type TestContext } from 'node:test'
import { fixture } from '../helpers/fixture.ts'
import { identities } from '../helpers/identity.ts'
import { patience } from '../helpers/patience.ts'
import { requires } from '../helpers/requires.ts'
import { runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

const { SIGCHLD, SIGCONT, SIGURG, SIGUSR1, SIGWINCH } = constants.signals
/** A virtual machine takes ten times as long for each. */
const inGuest = patience >= 10
const COUNT = inGuest ? 5 : 100
const calls = inGuest
  ? ['renameat2', 'pipe']
  : ['renameat2', 'unlinkat', 'mkdirat', 'pipe', 'socket', 'file']
const realTime = 35

/** In a folder of its own. */
async function under(
  t: TestContext,
  fault: string,
  args: readonly (string | number)[],
  options: { user?: string } = {},
) {
  // A core dump would take its time for each of a hundred.
  const command = ['sh', '-c', 'ulimit -c 0; exec "$@"', 'sh', fixture('signalled')]
  const fullArgs = ['exec', '--syscall', fault, '--', ...command, ...args.map(String)]
  const done = await runMinderbinder(fullArgs, { cwd: scratch(t), ...options })
  assert.equal(done.status, 0, done.stderr)
  const counts = /(?:seccomp|ptrace) +(\d+) +(\d+) +(\d+)$/m.exec(done.stderr)?.slice(1).map(Number)
  return { said: done.stdout, counts }
}

for (const { title, options } of identities)
  for (const name of ['KILL', 'TERM', 'SEGV', 'QUIT'])
    test(`SIG${name} ends the process before the call, each time, ${title}`, async (t) => {
      if (!requires(t, 'cc')) return
      for (const call of calls) {
        const named = call.endsWith('2') || call.endsWith('at') ? call : 'write'
        const fault = `${named}=signal:${name}`
        const { said } = await under(t, fault, ['deadly', call, COUNT], options)
        assert.equal(said, `ran 0 died ${COUNT} of ${COUNT}\n`, call)
      }
    })

test('so does one that a second thread gets, and without the fault all calls run', async (t) => {
  if (!requires(t, 'cc')) return
  const args = ['deadly', 'mkdirat', COUNT, 'thread']
  for (const name of ['KILL', 'TERM']) {
    const { said } = await under(t, `mkdirat=signal:${name}`, args)
    assert.equal(said, `ran 0 died ${COUNT} of ${COUNT}\n`, name)
  }
  const { said } = await under(t, 'mkdirat=signal:KILL@0%', args)
  assert.equal(said, `ran ${COUNT} died 0 of ${COUNT}\n`)
})

for (const { title, options } of identities)
  test(`a handler runs before the call, which runs once and is counted once, ${title}`, async (t) => {
    if (!requires(t, 'cc')) return
    for (const how of [[], ['restart'], ['restart', 'stack']]) {
      const args = ['handled', SIGUSR1, COUNT, ...how]
      const { said, counts } = await under(t, 'write=signal:USR1', args, options)
      assert.equal(said, `first ${COUNT} once ${COUNT} of ${COUNT}\n`, how.join())
      assert.deepEqual(counts, [COUNT, COUNT, COUNT], how.join())
    }
  })

test('the same call in the handler is another one: the one that waits is still made, and not counted again', async (t) => {
  if (!requires(t, 'cc')) return
  for (const how of [['same'], ['same', 'stack', 'restart']]) {
    const args = ['handled', SIGUSR1, 1, ...how]
    const { said, counts } = await under(t, 'write=signal:USR1,times=1', args)
    assert.equal(said, 'first 1 once 1 of 1\n')
    assert.deepEqual(counts, [2, 2, 1])
  }
})

test('a handler that leaves by siglongjmp leaves the call, too', async (t) => {
  if (!requires(t, 'cc')) return
  const { said } = await under(t, 'write=signal:USR1', ['left', SIGUSR1])
  assert.equal(said, '0\n')
})

test('a signal that is blocked or ignored lets the call run at once: no error of the kernel’s own is seen', async (t) => {
  if (!requires(t, 'cc')) return
  for (const signal of [SIGUSR1, SIGCHLD, realTime]) {
    const blocked = await under(t, `write=signal:${signal}`, ['blocked', signal])
    assert.equal(blocked.said, '1 0 1\n', `${signal} blocked`)
    const ignored = await under(t, `write=signal:${signal}`, ['ignored', signal])
    assert.equal(ignored.said, '1 0 0\n', `${signal} ignored`)
  }
  for (const signal of [SIGCHLD, SIGCONT, SIGURG, SIGWINCH]) {
    const { said } = await under(t, `write=signal:${signal}`, ['default', signal])
    assert.equal(said, '1 0 0\n', `${signal} by default`)
  }
})

test('a signal that stops the process stops it before the call, which runs when it goes on', async (t) => {
  if (!requires(t, 'cc')) return
  for (const name of ['STOP', 'TSTP', 'TTIN', 'TTOU']) {
    const { said } = await under(t, `write=signal:${name}`, ['stopped'])
    assert.equal(said, '0, then 1\n', name)
  }
})

test('a queue of signals that is full: the call runs, and the summary counts what could not be sent', async (t) => {
  if (!requires(t, 'cc')) return
  for (const { title, options } of identities) {
    const command = 'ulimit -i 0; exec "$@"'
    const program = [fixture('signalled'), 'blocked', String(realTime)]
    const args = [
      'exec',
      '--syscall',
      `write=signal:${realTime}`,
      '--',
      'bash',
      '-c',
      command,
      'sh',
    ]
    const done = await runMinderbinder([...args, ...program], { cwd: scratch(t), ...options })
    assert.deepEqual([done.status, done.stdout], [0, '1 0 0\n'], `${title}: ${done.stderr}`)
    assert.match(done.stderr, /^minderbinder: 1 signal could not be sent, and the call ran: /m)
  }
})
