/** What is the engine ptrace's own. What it has in common with seccomp: test/conformance, and npm run test:seccomp. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { fixture } from '../helpers/fixture.ts'
import { identities } from '../helpers/identity.ts'
import { descendants, killed, ourProcesses, stateOf } from '../helpers/processes.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, type RunOptions, run, runMinderbinder, start } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { until } from '../helpers/until.ts'

const traced = (...faults: string[]) => [
  ...['exec', '--engine', 'ptrace'],
  ...faults.flatMap((fault) => ['--syscall', fault]),
  '--',
]

const exec = (fault: string, command: readonly string[], options?: RunOptions) =>
  runMinderbinder([...traced(fault), ...command], options)

for (const { title, options } of identities)
  test(`no signal interrupts a call that a fault only names, ${title}`, async (t) => {
    if (!requires(t, 'cc')) return
    const command = [fixture('preempted'), '5000', 'interrupting']
    const none = await exec('openat=ENOENT@0%,path=/dev/null', command, options)
    assert.deepEqual([none.status, none.stdout], [0, '0 of 5000\n'])
    const all = await exec('openat=ENOENT,path=/dev/null', command, options)
    assert.deepEqual([all.status, all.stdout], [0, '5000 of 5000\n'])
  })

test('a program that traces another is refused by the kernel, and the summary says why', async (t) => {
  if (!requires(t, 'strace')) return
  const done = await exec('fsync=EIO', ['strace', '-o', '/dev/null', 'true'])
  assert.equal(done.status, 1)
  assert.match(
    done.stderr,
    /^minderbinder: \d+ ptrace calls? .* failed with EPERM: .*--engine seccomp/m,
  )
  const other = await exec('fsync=EIO', ['true'])
  assert.doesNotMatch(other.stderr, /ptrace call/)
})

test('what is made with CLONE_UNTRACED is traced: its calls do not fail, and LeakSanitizer does not wait for ever', async (t) => {
  if (!requires(t, 'cc', 'python3')) return
  const untraced = `
import ctypes, os, platform, signal
clone = {"x86_64": 56, "aarch64": 220}[platform.machine()]
call = ctypes.CDLL(None, use_errno=True).syscall
parent = os.getpid()
pid = call(clone, signal.SIGCHLD | 0x00800000, 0, 0, 0, 0)
if pid == 0: os._exit(0 if os.getppid() == parent and call(10**5) == -1 else 7)
os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`
  for (const [rate, status] of [
    ['0%', 0],
    ['100%', 7],
  ] as const) {
    const fault = `getppid=EIO@${rate}`
    const done = await exec(fault, ['/usr/bin/python3', '-S', '-c', untraced])
    assert.equal(done.status, status, done.stderr)
    const fired = rate === '0%' ? 0 : 1
    assert.match(done.stderr, new RegExp(`^minderbinder: ${fault} +ptrace +1 +1 +${fired}$`, 'm'))
  }
  const program = join(scratch(t), 'leaks')
  const source =
    '#include <stdlib.h>\nint main(void) { volatile char *p = malloc(7); p = 0; return !!p; }\n'
  execFileSync('cc', ['-fsanitize=address', '-o', program, '-x', 'c', '-'], { input: source })
  const checked = await exec('getppid=EIO@0%', [program])
  assert.match(checked.stderr, /LeakSanitizer does not work under ptrace/)
  assert.match(
    checked.stderr,
    /^minderbinder: 1 ptrace call .* failed with EPERM: .*LeakSanitizer/m,
  )
  const seccomp = ['exec', '--engine', 'seccomp', '--syscall', 'getppid=EIO@0%', '--', program]
  const working = await runMinderbinder(seccomp)
  assert.match(working.stderr, /LeakSanitizer: detected memory leaks/)
})

test('faults by ptrace do not nest without --control, whichever engine is inside or around them', async (t) => {
  const file = join(scratch(t), 'ran')
  const by = (engine: string) => [
    minderbinder,
    'exec',
    '-q',
    '--engine',
    engine,
    '--syscall',
    'fsync=EIO',
    '--',
  ]
  for (const [outer, inner] of [
    ['ptrace', 'seccomp'],
    ['seccomp', 'ptrace'],
    ['ptrace', 'ptrace'],
  ] as const) {
    const done = await run([...by(outer), ...by(inner), 'touch', file])
    assert.equal(done.status, 125, done.stderr)
    assert.match(done.stderr, /start the outer minderbinder with exec --control/)
  }
  assert.ok(!existsSync(file))
})

test('a process that is traced already: an error, and the command does not start', async (t) => {
  if (!requires(t, 'strace')) return
  const file = join(scratch(t), 'ran')
  const strace = ['strace', '-f', '-qq', '-o', '/dev/null', minderbinder]
  const done = await run([...strace, ...traced('fsync=EIO'), 'touch', file])
  assert.equal(done.status, 125)
  assert.match(done.stderr, /MB_PTRACE/)
  assert.match(done.stderr, /--engine seccomp/)
  assert.ok(!existsSync(file))
})

test('a thread that is no leader execs while others make calls: 10 times', async (t) => {
  if (!requires(t, 'cc')) return
  for (let i = 0; i < 10; i++) {
    const done = await exec('getppid+write=delay:1ms@50%', [fixture('leaderless'), 'exec'])
    assert.deepEqual([done.status, done.stdout], [0, 'became\n'], done.stderr)
  }
})

test('a process whose leader has ended stops: minderbinder stops, and goes on with it', async (t) => {
  if (!requires(t, 'cc')) return
  const running = start([minderbinder, ...traced('getppid=EIO@0%'), fixture('leaderless'), 'stop'])
  await until(() => stateOf(running.pid) === 'T', { what: 'minderbinder stopped' })
  process.kill(running.pid, 'SIGCONT')
  const done = await running.result
  assert.deepEqual([done.status, done.stdout], [3, 'on\n'], done.stderr)
})

test('a signal that a delayed program does not handle ends it; one that it blocks does not', async () => {
  const delayed = async (script: string) => {
    const done = await exec('fsync=delay:500ms', [
      '/usr/bin/python3',
      '-c',
      `import os, signal\n${script}`,
    ])
    return [done.signal, done.stdout]
  }
  const act =
    'signal.setitimer(signal.ITIMER_REAL, 0.05)\ntry: os.fsync(0)\nexcept OSError: pass\nprint("done")'
  assert.deepEqual(await delayed(act), ['SIGALRM', ''])
  const block = 'signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\n'
  assert.deepEqual(await delayed(block + act), [null, 'done\n'])
})

test('the supervisor is killed: so is what is delayed, stopped, running and orphaned', async (t) => {
  const before = systemState()
  const script =
    'sleep 1000 & (setsid sleep 1000 &); sh -c "kill -STOP \\$\\$" & sync -f . & echo ready; wait'
  const running = start(
    [minderbinder, ...traced('syncfs=delay:60m', 'openat=EIO@0%'), 'sh', '-c', script],
    {
      cwd: scratch(t),
    },
  )
  await until(() => running.stdout().includes('ready') && descendants(running.pid).length >= 7, {
    what: 'the tree running',
  })
  const { supervisor } = ourProcesses(running.pid)
  assert.ok(supervisor && killed(supervisor))
  assert.equal((await running.exited).status, 125)
  await nothingLeft(before)
})
