/** What a target does must not make the supervisor wait for it, nor miscount; what is missed is counted, and said. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { fixture } from '../helpers/fixture.ts'
import { identities, unprivileged } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { runMinderbinder } from '../helpers/run.ts'

const exec = (fault: string, command: readonly string[], options = {}) =>
  runMinderbinder(['exec', '--engine', 'seccomp', '--syscall', fault, '--', ...command], options)

const python = (...lines: readonly string[]) => ['/usr/bin/python3', '-c', lines.join('\n')]

for (const threads of [1, 40])
  test(`${threads} paths that cannot be read now (userfaultfd) keep no other call waiting`, async (t) => {
    if (!requires(t, 'root', 'cc')) return
    const command = [fixture('stuck'), `${threads}`]
    const done = await exec('openat=EIO,path=/no/such/*', command, { timeout: 20_000 })
    if (done.status === 77) return t.skip('no userfaultfd(2) here')
    assert.equal(done.status, 0, done.stderr)
    assert.ok(Number(done.stdout) < 1000, `${done.stdout.trim()} ms`)
  })

for (const { title, options } of identities) {
  test(`calls that a signal interrupts before they are seen are counted, ${title}`, async (t) => {
    if (!requires(t, 'python3')) return
    const busy = (...signals: readonly string[]) =>
      python(
        'import os, signal, time',
        ...signals,
        'end = time.monotonic() + 1',
        'while time.monotonic() < end: os.getpgid(0)',
        'signal.setitimer(signal.ITIMER_REAL, 0)',
      )
    // Without a signal nothing is interrupted.
    const quiet = await exec('getpgid=EPERM@0%', busy(), options)
    assert.doesNotMatch(quiet.stderr, /interrupted/)
    const handler = 'signal.signal(signal.SIGALRM, lambda *a: None)'
    const timer = 'signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)'
    const restart = 'signal.siginterrupt(signal.SIGALRM, False)'
    const done = await exec('getpgid=EPERM@0%', busy(handler, restart, timer), options)
    assert.equal(done.status, 0, done.stderr)
    assert.match(done.stderr, /^minderbinder: \d+ calls? w\w+ interrupted by a signal before/m)
  })
}

test('calls are received in real time, but for a tight loop of one thread', async (t) => {
  if (!requires(t, 'root', 'python3')) return
  const script = python(
    'import glob, os, time',
    'def real_time():', // threads of the supervisor with SCHED_FIFO; field 41: proc_pid_stat(5)
    '  stats = [open(f).read() for f in glob.glob(f"/proc/{supervisor}/task/*/stat")]',
    '  return sum(stat.rpartition(")")[2].split()[38] == "1" for stat in stats)',
    'def loop():', // again where another process came between: there were no 64 calls in a row
    '  for n in range(5000): os.getppid()',
    '  return real_time()',
    'def calls_apart():',
    '  time.sleep(1e-3)',
    '  os.getppid()',
    '  return real_time()',
    'supervisor = os.getppid()',
    'for i in range(100):',
    '  apart, tight = calls_apart(), loop()',
    '  if tight < apart: break',
    'print(tight < apart, calls_apart() >= apart)',
  )
  const done = await exec('getppid=EPERM@0%', script)
  assert.equal(done.stdout, 'True True\n', done.stderr)
})

test('a number below 0, with which a tracer skips a call, is no call of a 32-bit program', async (t) => {
  if (!requires(t, 'python3')) return
  const call = 'import ctypes; print(ctypes.CDLL(None).syscall(ctypes.c_long(-1)))'
  const done = await exec('getppid=EPERM@0%', python(call))
  assert.equal(done.stdout, '-1\n')
  assert.doesNotMatch(done.stderr, /32-bit/)
})

test('of fd= only calls on that descriptor are seen, in each argument that is one; exec is seen, too', async (t) => {
  if (!requires(t, 'python3')) return
  const script = python(
    'import os, sys',
    'os.dup2(1, 7)',
    'for fd in (1, 7, 7): os.write(fd, b".")',
    'os.execvp("sh", ["sh", "-c", "echo + >&7; echo -"])',
  )
  const args = ['--syscall', 'write=EIO,fd=7,when=2+', '--syscall', 'dup3=EIO,fd=99']
  const done = await runMinderbinder(['exec', ...args, '--', ...script], unprivileged.options)
  assert.match(done.stderr, /^minderbinder: write=EIO,fd=7,when=2\+ +(?:seccomp|ptrace) +2 +2 +1$/m)
  assert.match(done.stderr, /dup3=EIO,fd=99 never fired: dup3 was never called with fd=99$/m)
})

test('paths that are near are named; a call that an earlier rule took is counted', async () => {
  const near = await exec('openat=EIO,path=/etc/hostnmae', ['cat', '/etc/hostname'])
  assert.match(near.stderr, /the nearest path was: \/etc\/hostname$/m)
  const relative = await exec('openat=EIO,path=/srv/hostname', ['cat', 'hostname'], { cwd: '/etc' })
  assert.match(relative.stderr, /the nearest path was: hostname$/m)
  const far = await exec('openat=EIO,path=/no/such/file', ['cat', '/etc/hostname'])
  assert.doesNotMatch(far.stderr, /nearest/)
  const rules = ['--syscall', 'openat=EIO', '--syscall', 'openat=ENOENT,path=/etc/hostname']
  const taken = await runMinderbinder(['exec', ...rules, '--', 'cat', '/etc/hostname'])
  assert.match(taken.stderr, /path=\/etc\/hostname never fired: openat=EIO fire/m)
})
