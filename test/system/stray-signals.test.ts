/** Signals that find other processes than the front: COMMAND gets what it would get under env, and no harm is done. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { ownCgroup } from '../../src/kernel/cgroup/place.ts'
import { fixture } from '../helpers/fixture.ts'
import { identities } from '../helpers/identity.ts'
import { Moments } from '../helpers/moments.ts'
import { descendants, ourProcesses, program, stateOf } from '../helpers/processes.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, type Running, type RunOptions, run, start } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { until } from '../helpers/until.ts'

const { SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGCONT, SIGSTOP, SIGKILL } = constants.signals
const prefix = [minderbinder, 'exec', '-q', '--syscall', 'openat=ENOENT@0%', '--']

/** All that can be caught, of 1 to 64. */
const catchable = Array.from({ length: 64 }, (_, index) => index + 1).filter(
  (signal) => signal !== SIGKILL && signal !== SIGSTOP,
)
/** glibc leaves these two to itself: a supervisor cannot block them. */
const blockable = catchable.filter((signal) => signal !== 32 && signal !== 33)

/** A command of these processes, in a session and process group of its own; it has said `ready`. */
async function ready(command: readonly string[], options?: RunOptions) {
  const running = start(['setsid', ...prefix, ...command], options)
  await until(() => running.stdout().includes('ready'), { what: 'the command ready' })
  const front = await until(() => frontOf(running), { what: 'the front' })
  const { node, supervisor, command: child } = ourProcesses(front)
  assert.ok(node && supervisor && child, 'all of our processes')
  return { running, front, node, supervisor, child }
}

/** Behind setpriv and setsid, both of which exec, but the latter may fork. */
function frontOf({ pid }: Running): number | undefined {
  return [pid, ...descendants(pid)].find((each) => /launcher/.test(program(each)))
}

for (const { title, options } of identities) {
  test(`every signal to node and to the supervisor: none ends them, or reaches the command, ${title}`, async (t) => {
    if (!requires(t, 'cc')) return
    const { running, front, node, supervisor } = await ready([fixture('signals'), '1'], options)
    for (const signal of catchable) process.kill(node, signal)
    for (const signal of blockable) process.kill(supervisor, signal)
    // By another sender: what the front and the supervisor get from one at a time is COMMAND's already.
    await run(['kill', '-TERM', `${front}`])
    const { stdout, stderr, status } = await running.result
    assert.deepEqual([stdout, stderr, status], ['ready\ngot 15\n', '', 1])
  })

  test(`a signal to the process group reaches the command once, ${title}`, async (t) => {
    if (!requires(t, 'cc')) return
    const { running, front } = await ready([fixture('signals'), '2'], options)
    process.kill(-front, SIGTERM)
    await until(() => running.stdout().includes('got 15'), { what: 'SIGTERM' })
    process.kill(-front, SIGUSR1)
    assert.equal((await running.result).stdout, 'ready\ngot 15\ngot 10\n')
  })
}

test('what is sent to the front twice reaches the command twice', async (t) => {
  if (!requires(t, 'cc')) return
  const { running, front } = await ready([fixture('signals'), '2'])
  process.kill(front, SIGTERM)
  await until(() => running.stdout().includes('got 15'), { what: 'the first SIGTERM' })
  process.kill(front, SIGTERM)
  assert.equal((await running.result).stdout, 'ready\ngot 15\ngot 15\n')
})

test('timeout(1), which signals its child and then its group, ends the command gracefully with one SIGTERM', async () => {
  // After the first one it waits for a second. The time is long enough for a start on a busy machine.
  const script = `trap 'echo TERM; got=1' TERM; echo ready
    i=0; while [ $i -lt 10 ]; do sleep 0.1; [ -z "$got" ] || i=$((i+1)); done`
  const done = await run(['timeout', '5', ...prefix, 'sh', '-c', script])
  assert.equal(done.stdout, 'ready\nTERM\n')
  assert.equal(done.status, 124)
})

/** As systemd's cg_kill_recursive(): the cgroup itself, then those below it. */
function killControlGroup(path: string, signal: number): void {
  for (const pid of readFileSync(join(path, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean))
    process.kill(Number(pid), signal)
  for (const entry of readdirSync(path, { withFileTypes: true }))
    if (entry.isDirectory()) killControlGroup(join(path, entry.name), signal)
}

test('systemd’s stop, KillMode=control-group: the service ends as it likes, with one SIGTERM', async (t) => {
  if (!requires(t, 'root', 'cgroup2')) return
  const unit = join(ownCgroup().path, `mb-test-unit-${process.pid}`)
  mkdirSync(unit)
  t.after(() => rmdirSync(unit))
  const service = `trap 'echo graceful; sleep 0.2; echo cleaned; exit 0' TERM
    echo ready; while :; do sleep 0.05; done`
  const started = ['sh', '-c', 'echo $$ >"$0"/cgroup.procs; exec "$@"', unit, ...prefix]
  const running = start([...started, 'bash', '-c', service])
  await until(() => running.stdout().includes('ready'), { what: 'the service' })
  const before = readFileSync(join(unit, 'cgroup.procs'), 'utf8').trim().split('\n')
  assert.ok(before.includes(`${running.pid}`) && before.length === 3, 'front, node and supervisor')
  // The main process first, then all others.
  process.kill(running.pid, SIGTERM)
  process.kill(running.pid, SIGCONT)
  killControlGroup(unit, SIGTERM)
  killControlGroup(unit, SIGCONT)
  const { stdout, stderr, status } = await running.result
  assert.deepEqual([stdout, status], ['ready\ngraceful\ncleaned\n', 0])
  assert.doesNotMatch(stderr, /minderbinder/)
})

test('SIGTERM, SIGUSR1 and others to node from its first instruction on: 60 runs go on', async () => {
  const moments = new Moments(7)
  const names = ['SIGTERM', 'SIGUSR1', 'SIGINT', 'SIGHUP', 'SIGTSTP', 'SIGABRT'] as const
  for (let i = 0; i < 60; i++) {
    const running = start([...prefix, 'sh', '-c', 'exit 3'])
    const node = await until(() => ourProcesses(running.pid).node, { what: 'node' })
    // Of what it is before its execve, it has the ignored signals already.
    for (const [index, name] of names.entries()) {
      if (index > 0) await pause(moments.next(5))
      if (stateOf(node) !== '') process.kill(node, constants.signals[name])
    }
    const { status, stderr } = await running.result
    assert.deepEqual([status, stderr], [3, ''], `run ${i}`)
  }
})

test('SIGUSR1 opens no debugger in the other commands, and does not end them', async (t) => {
  const fifo = join(scratch(t), 'fifo')
  assert.equal((await run(['mkfifo', fifo])).status, 0)
  const running = start([minderbinder, 'explain', fifo])
  await until(() => /\/node$/.test(program(running.pid)), { what: 'node' })
  for (let i = 0; i < 20; i++) {
    process.kill(running.pid, SIGUSR1)
    await pause(5)
  }
  writeFileSync(fifo, 'agents_of_chaos: {syscall: [{name: x, syscall: openat, ret_code: -2}]}\n')
  const { status, stderr } = await running.result
  assert.deepEqual([status, stderr], [0, ''])
})

/** sh without job control starts `&` with both ignored: what COMMAND makes of them is up to it. */
for (const [name, signal] of [
  ['SIGINT', SIGINT],
  ['SIGQUIT', SIGQUIT],
] as const)
  test(`${name} to a minderbinder that a script started with & reaches the command`, async (t) => {
    if (!requires(t, 'cc')) return
    const inBackground = ['sh', '-c', '"$@" & wait $!; echo "status $?"', 'sh', ...prefix]
    const handles = start([...inBackground, fixture('signals'), '1'])
    await until(() => handles.stdout().includes('ready'), { what: 'the command ready' })
    process.kill(frontOf(handles)!, signal)
    assert.equal((await handles.result).stdout, `ready\ngot ${signal}\nstatus 1\n`)
    // Its twin inherits them ignored, and hears nothing.
    const go = join(scratch(t), 'go')
    const script = `echo ready; while ! test -e ${go}; do sleep 0.02; done; exit 4`
    const ignores = start([...inBackground, 'sh', '-c', script])
    await until(() => ignores.stdout().includes('ready'), { what: 'the command ready' })
    process.kill(frontOf(ignores)!, signal)
    await pause(50)
    writeFileSync(go, '')
    assert.equal((await ignores.result).stdout, 'ready\nstatus 4\n')
  })

test('pkill by our name reaches the command', async (t) => {
  if (!requires(t, 'cc', 'pkill' as 'cc')) return
  const { running, front } = await ready([fixture('signals'), '1'])
  const session = readFileSync(`/proc/${front}/stat`, 'utf8').split(' ')[5]!
  const name = readFileSync(`/proc/${front}/comm`, 'utf8').trim()
  assert.equal((await run(['pkill', '-TERM', '-x', '-s', session, name])).status, 0)
  assert.equal((await running.result).stdout, 'ready\ngot 15\n')
})

test('killall by our file, which hits the front and the supervisor: its second signal reaches the command', async (t) => {
  if (!requires(t, 'cc')) return
  const { running, front, supervisor } = await ready([fixture('signals'), '1'])
  for (let i = 0; i < 2 && stateOf(front) !== ''; i++) {
    // By one sender each time, as killall is.
    await run(['kill', '-TERM', `${front}`, `${supervisor}`])
    await pause(100)
  }
  assert.equal((await running.result).stdout, 'ready\ngot 15\n')
})

async function stopped(t: TestContext, script: string) {
  const folder = scratch(t)
  const running = start([...prefix, 'sh', '-c', `echo ready; ${script}`], { cwd: folder })
  await until(() => running.stdout().includes('ready'), { what: 'the command ready' })
  const { command } = ourProcesses(running.pid)
  assert.ok(command)
  process.kill(command, SIGSTOP)
  await until(() => stateOf(running.pid) === 'T', { what: 'minderbinder stopped' })
  return { running, command }
}

test('a command that is stopped and continued by its pid: minderbinder goes on with it', async (t) => {
  const { running, command } = await stopped(t, 'read line; exit 3')
  process.kill(command, SIGCONT)
  await until(() => stateOf(running.pid) === 'S', { what: 'minderbinder going on' })
  running.child.stdin?.end('\n')
  assert.equal((await running.result).status, 3)
})

test('stopped, continued and stopped again by its pid: both stay stopped', async (t) => {
  const { running, command } = await stopped(t, 'read line; exit 3')
  for (let i = 0; i < 20; i++) {
    process.kill(command, SIGCONT)
    process.kill(command, SIGSTOP)
  }
  // `t`: of a process that is traced (--engine ptrace), proc(5) says so for every stop.
  const bothStopped = () => /^T[Tt]$/.test(stateOf(running.pid) + stateOf(command))
  await until(bothStopped, { what: 'both stopped' })
  await pause(100) // what would wake them comes every 20 ms
  assert.ok(bothStopped())
  process.kill(command, SIGCONT)
  running.child.stdin?.end('\n')
  assert.equal((await running.result).status, 3)
})

test('a stopped command that is killed by its pid: minderbinder ends as it did', async (t) => {
  const { running, command } = await stopped(t, 'exec sleep 1000')
  process.kill(command, SIGKILL)
  assert.equal((await running.result).signal, 'SIGKILL')
})

test('a command that stops itself and is continued by a child of its own ends: 30 times', async () => {
  const script = '(sleep 0.05; kill -CONT $$) & kill -STOP $$; exit 3'
  for (let i = 0; i < 30; i++)
    assert.equal((await run([...prefix, 'sh', '-c', script])).status, 3, `run ${i}`)
})
