/** Only the target is hit: its threads, children and grandchildren, from their first instruction, and nothing else. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { fixture } from '../helpers/fixture.ts'
import { identities } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { run, runMinderbinder, startMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { call } from '../helpers/syscall-number.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { until } from '../helpers/until.ts'

for (const { title, options } of identities) {
  const under = (fault: string, ...command: readonly string[]) =>
    runMinderbinder(['exec', '-q', '--syscall', fault, '--', ...command], options)

  test(`every call of every thread of every process fails at 100%, none at 0%, ${title}`, async (t) => {
    if (!requires(t, 'cc')) return
    const command = [fixture('loop'), '100', '5', '6']
    assert.equal((await under('openat=ENOENT,path=/dev/null', ...command)).stdout, '3000 of 3000\n')
    assert.equal((await under('openat=ENOENT@0%,path=/dev/null', ...command)).stdout, '0 of 3000\n')
  })

  test(`other system calls are left alone, ${title}`, async (t) => {
    if (!requires(t, 'cc')) return
    for (const name of ['getppid', 'getuid', 'uname', 'sched_yield']) {
      assert.equal(
        (await under('getpgid+getsid=EPERM', fixture('syscall'), call(name), '@')).status,
        0,
      )
    }
  })

  test(`a sibling outside the tree sees no fault while the faults are on, ${title}`, async (t) => {
    const ready = join(scratch(t), 'ready')
    const script = `: >${ready}; read line; cat /etc/hostname`
    const running = startMinderbinder(
      ['exec', '-q', '--syscall', 'openat=EIO,path=/etc/hostname', '--', 'sh', '-c', script],
      options,
    )
    await until(() => readFileSync(ready), { what: 'the target running' })
    const sibling = await run(['cat', '/etc/hostname'], options)
    assert.equal(sibling.status, 0, sibling.stderr)
    running.child.stdin?.end('\n')
    const done = await running.result
    assert.match(done.stderr, /Input\/output error/)
  })
}

test('nothing is left behind after success, failure, death by signal, and a command that does not exist', async () => {
  const before = systemState()
  for (const command of [
    ['true'],
    ['false'],
    ['sh', '-c', 'kill -SEGV $$'],
    ['/nonexistent'],
    ['/etc/passwd'],
  ])
    await runMinderbinder(['exec', '-q', '--syscall', '%file=EIO@1%', '--', ...command])
  await nothingLeft(before)
})

test('two hundred runs, twenty at a time, all succeed', async () => {
  const before = systemState()
  const bad: string[] = []
  for (let batch = 0; batch < 10; batch++) {
    const runs = Array.from({ length: 20 }, () =>
      runMinderbinder(['exec', '--syscall', 'openat=ENOENT', '--', 'cat', '/etc/hostname'], {
        timeout: 120_000,
      }),
    )
    for (const done of await Promise.all(runs))
      if (done.status !== 1 || !/^cat: .*No such file/m.test(done.stderr)) bad.push(done.stderr)
  }
  assert.deepEqual(bad, [])
  await nothingLeft(before)
})

test('a fork storm: every process is hit, none hangs', async () => {
  const script = 'for i in $(seq 200); do cat /etc/hostname & done; wait'
  const done = await runMinderbinder([
    'exec',
    '-q',
    '--syscall',
    'openat=EIO,path=/etc/hostname',
    '--',
    'sh',
    '-c',
    script,
  ])
  assert.equal(done.stderr.match(/Input\/output error/g)?.length, 200)
})
