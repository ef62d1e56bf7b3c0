/**
 * Run in virtual machines only, by kernels.test.ts. Two programs on one call: that crashes a kernel that takes calls
 * of its own functions for jumps (src/kernel/tracing/ftrace-jump.ts), as the newest test kernel does. There override leaves
 * it; elsewhere both do their work, but for a kprobe beside a BPF trampoline, which has no effect there: it is refused.
 * In the first cases others make the call all the time.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { fixture } from '../../helpers/fixture.ts'
import { programCalled, reload, startRun } from '../../helpers/machine-run.ts'
import { has, requires } from '../../helpers/requires.ts'
import {
  minderbinder,
  type RunResult,
  runMinderbinder,
  start,
  startMinderbinder,
} from '../../helpers/run.ts'
import { scratch } from '../../helpers/scratch.ts'
import { nothingLeft, systemState } from '../../helpers/system-state.ts'
import { directCalls, secondProgram } from '../../helpers/tracing.ts'
import { until } from '../../helpers/until.ts'

const timeout = 180_000
const steps = fixture('steps')
const crashes = !secondProgram
/** There the trampoline of a program goes before a kprobe. On arm64 a kprobe is a trap, which comes first. */
const oneOfTwo = !crashes && process.arch === 'x64'
/** What it says of path=, where that is left to ptrace. */
const refusal = crashes
  ? /path= takes two programs on openat, and this kernel crashes/
  : directCalls
    ? undefined
    : /path= needs fmod_ret programs/

/** Makes both calls as fast as it can until the test is over, and must not be hit. */
function bystander(t: TestContext): { stop(): Promise<string> } {
  const loop = `
    import os
    lines = set()
    while os.getppid() == ${process.pid}:
        try: os.close(os.open('/etc/hostname', os.O_RDONLY))
        except OSError as error: lines.add(str(error))
        try: os.fsync(9999)
        except OSError as error: lines.add(str(error))
        if not os.path.exists(FILE): break
    print(sorted(lines))`
  const file = join(scratch(t), 'while')
  writeFileSync(file, '')
  const source = loop.replaceAll(/^ {4}/gm, '').replace('FILE', JSON.stringify(file))
  const child = spawn('/usr/bin/python3', ['-c', source], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const closed = once(child, 'close', { signal: AbortSignal.timeout(timeout) })
  t.after(() => child.kill('SIGKILL'))
  return {
    async stop() {
      rmSync(file)
      await closed
      return text.trim()
    },
  }
}

const faulted = (options: readonly string[], calls: string): Promise<RunResult> =>
  runMinderbinder(['exec', ...options, '--', steps, calls], { timeout })

test('path= on a call that is busy elsewhere: by two programs, or left to ptrace', async (t) => {
  if (!requires(t, 'root', 'python3')) return
  const before = systemState()
  const others = bystander(t)
  const fault = ['--syscall', 'openat=EIO,path=/nowhere']
  for (let i = 0; i < 3; i++) {
    const named = await faulted(['--engine', 'override', ...fault], '2 openat -100 :/nowhere 0')
    if (refusal) {
      assert.deepEqual([named.status, named.stdout], [125, ''], named.stderr)
      assert.match(named.stderr, refusal)
    } else {
      assert.deepEqual([named.status, named.stdout], [0, 'openat: -5*2\n'], named.stderr)
    }
    const auto = await faulted(fault, '2 openat -100 :/nowhere 0')
    assert.deepEqual([auto.status, auto.stdout], [0, 'openat: -5*2\n'], auto.stderr)
    assert.match(auto.stderr, refusal ? / ptrace +2 / : / override +2 /)
  }
  assert.equal(await others.stop(), "['[Errno 9] Bad file descriptor']")
  await nothingLeft(before)
})

test('a second session on the same call: faults too, or leaves it to ptrace', async (t) => {
  if (!requires(t, 'root', 'python3')) return
  const before = systemState()
  const others = bystander(t)
  const file = join(scratch(t), 'go-on')
  const first = startMinderbinder(
    ['exec', '--syscall', 'fsync=EIO', '--', steps, '1 fsync -1', `hold ${file}`, '1 fsync -1'],
    { timeout },
  )
  await until(() => first.stdout().includes('fsync: -5'), { what: 'the fault', bound: timeout })
  const fault = ['--syscall', 'fsync=EPERM']
  const named = await faulted(['--engine', 'override', ...fault], '2 fsync -1')
  if (crashes) {
    assert.deepEqual([named.status, named.stdout], [125, ''], named.stderr)
    assert.match(named.stderr, /fsync, and this kernel crashes at the second program there/)
  } else {
    assert.deepEqual([named.status, named.stdout], [0, 'fsync: -1*2\n'], named.stderr)
  }
  const auto = await faulted(fault, '2 fsync -1')
  assert.deepEqual([auto.status, auto.stdout], [0, 'fsync: -1*2\n'], auto.stderr)
  if (crashes) assert.match(auto.stderr, /override did not attach, and ptrace did its rules: /)
  writeFileSync(file, '')
  const { status, stdout, stderr } = await first.result
  assert.deepEqual([status, stdout], [0, 'fsync: -5\nholding\nfsync: -5\n'], stderr)
  assert.match(stderr, /=EIO +override +2 +2 +2$/m)
  assert.equal(await others.stop(), "['[Errno 9] Bad file descriptor']")
  await nothingLeft(before)
})

/** It holds its rules while others try theirs, and says at the end whether it still has them. */
async function holding(t: TestContext, faults: readonly string[], calls: string) {
  const file = join(scratch(t), 'go-on')
  const options = ['--engine', 'override', ...faults.flatMap((each) => ['--syscall', each])]
  const first = startMinderbinder(['exec', ...options, '--', steps, calls, `hold ${file}`, calls], {
    timeout,
  })
  await until(() => first.stdout().includes('holding'), { what: 'the fault', bound: timeout })
  return () => {
    writeFileSync(file, '')
    return first.result
  }
}

test('ret:0, which takes a kprobe, beside a program of another session: refused, or left to ptrace', async (t) => {
  if (!requires(t, 'root')) return
  const before = systemState()
  const end = await holding(t, ['fsync=EIO'], '1 fsync -1')
  const fault = ['--syscall', 'fsync=ret:0']
  const named = await faulted(['--engine', 'override', ...fault], '2 fsync -1')
  const auto = await faulted(fault, '2 fsync -1')
  if (crashes || oneOfTwo) {
    assert.deepEqual([named.status, named.stdout], [125, ''], named.stderr)
    if (oneOfTwo) assert.match(named.stderr, /ret:0 needs a kprobe on fsync, and .* no effect/)
    assert.match(auto.stderr, /=ret:0 +ptrace +2 +2 +2$/m)
  } else {
    assert.deepEqual([named.status, named.stdout], [0, 'fsync: 0*2\n'], named.stderr)
  }
  assert.deepEqual([auto.status, auto.stdout], [0, 'fsync: 0*2\n'], auto.stderr)
  const { status, stdout, stderr } = await end()
  assert.deepEqual([status, stdout], [0, 'fsync: -5\nholding\nfsync: -5\n'], stderr)
  await nothingLeft(before)
  // And when that has ended, it works.
  if (crashes) return
  const alone = await faulted(['--engine', 'override', ...fault], '2 fsync -1')
  assert.deepEqual([alone.status, alone.stdout], [0, 'fsync: 0*2\n'], alone.stderr)
})

test('beside a kprobe of another session: by a kprobe, too, and what needs a program is refused or works', async (t) => {
  // Where kprobes are not used, the first session cannot be.
  if (!requires(t, 'root') || crashes) return
  const hooks = has('linux:hook') // by trying, with no other session there
  const before = systemState()
  const end = await holding(t, ['fsync=ret:0', 'openat=ret:0@0%'], '1 fsync -1')
  const second = await faulted(['--engine', 'override', '--syscall', 'fsync=EPERM'], '2 fsync -1')
  assert.deepEqual([second.status, second.stdout], [0, 'fsync: -1*2\n'], second.stderr)
  const programs: [engine: string, fault: string, reason: RegExp][] = []
  if (directCalls)
    programs.push(['override', 'openat=EIO,path=/nowhere', /path= .* would cancel the kprobe/])
  if (hooks)
    programs.push(['hook', 'openat=EIO', /a kprobe is attached to __x64_sys_openat for openat/])
  for (const [engine, fault, reason] of programs) {
    const named = await faulted(
      ['--engine', engine, '--syscall', fault],
      '1 openat -100 :/nowhere 0',
    )
    if (oneOfTwo) {
      assert.deepEqual([named.status, named.stdout], [125, ''], named.stderr)
      assert.match(named.stderr, reason)
    } else {
      assert.deepEqual([named.status, named.stdout], [0, 'openat: -5\n'], named.stderr)
    }
    const auto = await faulted(['--syscall', fault], '1 openat -100 :/nowhere 0')
    assert.deepEqual([auto.status, auto.stdout], [0, 'openat: -5\n'], auto.stderr)
  }
  const { status, stdout, stderr } = await end()
  assert.deepEqual([status, stdout], [0, 'fsync: 0\nholding\nfsync: 0\n'], stderr)
  assert.match(stderr, /=ret:0 +override +2 +2 +2$/m)
  await nothingLeft(before)
})

test('run: SIGHUP to what needs a kprobe leaves the rules as they were, or not; other calls get theirs', async (t) => {
  if (!requires(t, 'root') || crashes) return
  const before = systemState()
  const [go, end] = [join(scratch(t), 'go-on'), join(scratch(t), 'end')]
  const rule = (calls: string, outcome: string) =>
    `agents_of_chaos: {syscall: [{syscall: ${calls}, outcome: ${outcome}, targets: [{process_name: mb-steps}]}]}\n`
  const work = await startRun(t, rule('fsync', 'EIO'))
  const program = programCalled(t, 'mb-steps', steps)
  const [fsync, dup] = ['1 fsync -1', '1 dup -1']
  const target = start([program, fsync, `hold ${go}`, fsync, dup, `hold ${end}`, fsync, dup], {
    timeout,
  })
  t.after(() => target.child.kill('SIGKILL'))
  await until(() => target.stdout() === 'fsync: -5\nholding\n', {
    what: 'the fault',
    bound: timeout,
  })
  const refused = () => work.running.stderr().includes('the rules stay as they were')
  if (oneOfTwo) {
    writeFileSync(work.file, rule('fsync', '"ret:0"'))
    work.running.child.kill('SIGHUP')
    await until(refused, { what: 'the refusal', bound: timeout })
    assert.match(work.running.stderr(), /ret:0 needs a kprobe on fsync, and .* no effect/)
  } else {
    await reload(work, rule('fsync', '"ret:0"'))
  }
  writeFileSync(go, '')
  const answer = oneOfTwo ? -5 : 0
  await until(() => target.stdout().endsWith(`fsync: ${answer}\ndup: -9\nholding\n`), {
    ...{ what: `fsync to return ${answer}`, bound: timeout },
  })
  // More than there are programs for: fsync keeps one, and the others take the kprobe.
  const many =
    'fsync+dup+fdatasync+fchdir+ftruncate+fstatfs+listen+shutdown+bind+getsockname+getpeername+getdents64+fchmod+fchown+readahead+flock+mlock'
  await reload(work, rule(many, 'EPERM'))
  writeFileSync(end, '')
  const { stdout, stderr } = await target.result
  assert.ok(stdout.endsWith('holding\nfsync: -1\ndup: -1\n'), stdout + stderr)
  const result = await work.end()
  assert.equal(result.status, 0, result.stderr)
  await nothingLeft(before)
})

test('one inside of the other: the command is under the rules of both, each counts for itself', async (t) => {
  if (!requires(t, 'root')) return
  const before = systemState()
  const output = join(scratch(t), 'outer')
  const inner = [
    minderbinder,
    'exec',
    '--engine',
    'override',
    '--syscall',
    'dup=EPERM',
    '--',
    steps,
  ]
  const done = await runMinderbinder(
    [
      ...['exec', '-o', output, '--engine', 'override', '--syscall', 'fsync=EIO', '--'],
      ...[...inner, '2 fsync -1', '1 dup -1'],
    ],
    { timeout },
  )
  assert.deepEqual([done.status, done.stdout], [0, 'fsync: -5*2\ndup: -1\n'], done.stderr)
  assert.match(done.stderr, /=EPERM +override +1 +1 +1$/m)
  assert.match(readFileSync(output, 'utf8'), /=EIO +override +2 +2 +2$/m)
  await nothingLeft(before)
})
