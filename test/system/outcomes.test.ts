/** Each outcome does to the call exactly what it says. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { fixture } from '../helpers/fixture.ts'
import { identities, unprivileged } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { call } from '../helpers/syscall-number.ts'

const { options } = unprivileged
const under = (fault: string, ...command: readonly string[]) =>
  runMinderbinder(['exec', '-q', '--syscall', fault, '--', ...command], options)

for (const [how, expected] of [
  ['ENOENT', constants.errno.ENOENT],
  ['-2', 2],
  ['EHWPOISON', 133],
  ['-133', 133],
  ['EINTR', constants.errno.EINTR],
  ['ENOSYS', constants.errno.ENOSYS],
] as const)
  test(`getppid=${how}: errno ${expected}, and the call returns -1`, async (t) => {
    if (!requires(t, 'cc')) return
    const done = await under(`getppid=${how}`, fixture('syscall'), '-r', call('getppid'))
    assert.deepEqual([done.stdout, done.status], ['-1\n', expected])
  })

for (const value of ['0', '7', '-4096', '9223372036854775807', '-9223372036854775808'])
  test(`getppid=ret:${value}: all 64 bits of it are returned`, async (t) => {
    if (!requires(t, 'cc')) return
    const done = await under(`getppid=ret:${value}`, fixture('syscall'), '-r', call('getppid'))
    assert.deepEqual([done.stdout, done.status], [`${value}\n`, 0])
  })

test('ret: does not run the call: unlink returns 0 and the file stays', async (t) => {
  if (!requires(t, 'cc')) return
  const file = join(scratch(t), 'file')
  const script = `: >${file}; rm ${file}; cat ${file}`
  const done = await under('unlink+unlinkat=ret:0', 'sh', '-c', script)
  assert.deepEqual([done.status, done.stderr], [0, ''])
})

test('an error does not run the call: mkdir fails and makes no folder', async (t) => {
  const folder = join(scratch(t), 'folder')
  const done = await under('mkdir+mkdirat=EIO', 'sh', '-c', `mkdir ${folder}; test ! -e ${folder}`)
  assert.equal(done.status, 0)
})

test('delay: the call runs, and later', async (t) => {
  if (!requires(t, 'cc')) return
  const start = performance.now()
  const done = await under('getppid=delay:300ms', fixture('syscall'), '-r', call('getppid'))
  assert.ok(performance.now() - start >= 300)
  assert.equal(done.status, 0)
  assert.ok(Number(done.stdout) > 1)
})

test('delays of many threads run side by side', async (t) => {
  if (!requires(t, 'cc')) return
  const start = performance.now()
  // 40 threads, 5 calls of 100 ms each: half a second, not twenty.
  const done = await under('openat=delay:100ms,path=/dev/null', fixture('loop'), '5', '1', '40')
  const took = performance.now() - start
  assert.equal(done.stdout, '0 of 200\n')
  assert.ok(took >= 500 && took < 5000, `${took} ms`)
})

test('a delayed call can be interrupted: a signal ends the program at once', async () => {
  const start = performance.now()
  const done = await under('nanosleep+clock_nanosleep=delay:60m', 'timeout', '0.2', 'sleep', '0')
  assert.equal(done.status, 124)
  assert.ok(performance.now() - start < 20_000)
})

test('a process that is killed in its delay has not made the call', async (t) => {
  const folder = join(scratch(t), 'folder')
  const kill = ['timeout', '-s', 'KILL', '0.2', 'mkdir', folder]
  const done = await under('mkdir+mkdirat=delay:1s', ...kill)
  assert.equal(done.signal, 'SIGKILL') // timeout(1) does so itself, if it has sent one
  assert.equal(existsSync(folder), false)
})

for (const { title, options } of identities)
  test(`signal: the caller gets it at the call, ${title}`, async (t) => {
    if (!requires(t, 'cc')) return
    for (const name of ['SIGKILL', 'SIGTERM', 'SIGSEGV', 'SIGUSR1'] as const) {
      const fault = ['exec', '-q', '--syscall', `getppid=signal:${name}`, '--']
      const done = await runMinderbinder([...fault, fixture('syscall'), call('getppid')], options)
      assert.equal(done.signal, name)
    }
  })

test('signal: one that is caught does not keep the call from running', async (t) => {
  if (!requires(t, 'python3')) return
  const script = [
    'import os, signal',
    'signal.signal(signal.SIGUSR1, lambda *a: print("caught"))',
    'print(os.getpgid(0) == os.getpgrp())',
  ].join('\n')
  const done = await under('getpgid=signal:SIGUSR1', '/usr/bin/python3', '-c', script)
  assert.deepEqual([done.stdout, done.status], ['caught\nTrue\n', 0], done.stderr)
})

test('signal: only the calling thread is the one that gets it', async (t) => {
  if (!requires(t, 'python3')) return
  const script = [
    'import os, signal, threading',
    'signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])',
    'def work():',
    '  os.getpgid(0)',
    '  print("thread", signal.sigtimedwait([signal.SIGUSR1], 5) is not None)',
    't = threading.Thread(target=work); t.start(); t.join()',
    'print("main", signal.sigtimedwait([signal.SIGUSR1], 0) is not None)',
  ].join('\n')
  const done = await under('getpgid=signal:SIGUSR1', '/usr/bin/python3', '-c', script)
  assert.equal(done.stdout, 'thread True\nmain False\n', done.stderr)
})

test('where several rules match a call, the first that fires wins, and only it fires', async (t) => {
  if (!requires(t, 'cc')) return
  const log = join(scratch(t), 'log')
  const rules = ['getppid=EPERM,when=2', 'getppid=EIO@0%', 'getppid=ENOENT', 'getppid=EBUSY']
  const faults = rules.flatMap((rule) => ['--syscall', rule])
  const done = await runMinderbinder(
    ['exec', '-q', '--log', log, ...faults, '--', fixture('syscall'), call('getppid')],
    options,
  )
  assert.equal(done.status, constants.errno.ENOENT)
  const outcomes = readFileSync(log, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).outcome)
  assert.deepEqual(outcomes, ['ENOENT'])
})
