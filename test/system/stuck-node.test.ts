/** A node that hangs or is stopped, files whose readers never come: signals end minderbinder, and nothing stays. */
import assert from 'node:assert/strict'
import { constants } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { identities } from '../helpers/identity.ts'
import { alive, ourProcesses, stateOf } from '../helpers/processes.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, type RunOptions, run, start, startMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { until } from '../helpers/until.ts'

const { SIGSTOP, SIGTERM, SIGKILL } = constants.signals
const faults = ['-q', '--syscall', 'getppid=EPERM@0%']

async function withNodeStopped(command: readonly string[], options: RunOptions, says = '') {
  const running = start([minderbinder, 'exec', ...faults, '--', ...command], options)
  // Behind setpriv it becomes the front first.
  const node = await until(() => ourProcesses(running.pid).node, { what: 'node' })
  if (says) await until(() => running.stdout().includes(says), { what: says })
  process.kill(node, SIGSTOP)
  await until(() => stateOf(node) === 'T', { what: 'node stopped' })
  return { running, node }
}

for (const { title, options } of identities) {
  test(`node is stopped before the command runs: SIGTERM ends all, ${title}`, async () => {
    const before = systemState()
    const { running } = await withNodeStopped(['sleep', '1000'], options)
    process.kill(running.pid, SIGTERM)
    const { signal, stderr } = await running.result
    assert.deepEqual([signal, stderr], ['SIGTERM', ''])
    await nothingLeft(before)
  })

  test(`node is stopped, and the front killed: node and the command end, ${title}`, async () => {
    const before = systemState()
    const command = ['sh', '-c', 'echo ready; exec sleep 1000']
    const { running, node } = await withNodeStopped(command, options, 'ready')
    const child = ourProcesses(running.pid).command
    assert.ok(child)
    process.kill(running.pid, SIGKILL)
    await until(() => !alive(child) && !alive(node), { what: 'the end of both' })
    await running.result // nobody holds the caller's streams
    await nothingLeft(before)
  })

  test(`node is stopped when the command has ended: SIGTERM ends all, ${title}`, async () => {
    const before = systemState()
    const { running } = await withNodeStopped(
      ['sh', '-c', 'echo ready; read line'],
      options,
      'ready',
    )
    const child = ourProcesses(running.pid).command
    assert.ok(child)
    running.child.stdin?.end('\n')
    await until(() => !alive(child), { what: 'the end of the command' })
    process.kill(running.pid, SIGTERM)
    assert.equal((await running.result).signal, 'SIGTERM')
    await nothingLeft(before)
  })
}

for (const option of ['--log', '-o'])
  test(`${option} is a FIFO: it waits for the reader, and SIGTERM ends that`, async (t) => {
    const fifo = join(scratch(t), 'fifo')
    assert.equal((await run(['mkfifo', fifo])).status, 0)
    const line = ['exec', option, fifo, '--syscall', 'getppid=EPERM', '--', 'sh', '-c', 'exit 3']
    const waiting = startMinderbinder(line)
    const node = await until(() => ourProcesses(waiting.pid).node, { what: 'node' })
    await until(() => stateOf(node) === 'S', { what: 'node waiting' })
    waiting.child.kill('SIGTERM')
    assert.equal((await waiting.result).signal, 'SIGTERM')
    const read = startMinderbinder(line)
    const reader = start(['cat', fifo])
    assert.equal((await read.result).status, 3)
    assert.match((await reader.result).stdout, option === '-o' ? /--seed/ : /"syscall":"getppid"/)
  })

/** More than a pipe takes. */
const many = Array.from({ length: 600 }, (_, i) => [
  '--syscall',
  `getppid=EIO@0%,name=${'x'.repeat(60)}${i}`,
])

test('standard error is a pipe that nobody reads: SIGTERM ends it', async () => {
  const script = 'mkfifo "$0"; exec 9<>"$0"; exec "$@" 2>&9'
  const fifo = `/tmp/mb-test-fifo-${process.pid}`
  const running = start([
    'sh',
    '-c',
    script,
    fifo,
    minderbinder,
    'exec',
    ...many.flat(),
    '--',
    'sh',
    '-c',
    'echo ended',
  ])
  await until(() => running.stdout().includes('ended'), { what: 'the command' })
  await until(() => ourProcesses(running.pid).command === undefined, { what: 'its end' })
  running.child.kill('SIGTERM')
  assert.equal((await running.result).signal, 'SIGTERM')
  await run(['rm', fifo])
})

test('standard error is a pipe in O_NONBLOCK with a slow reader: the whole summary arrives', async (t) => {
  if (!requires(t, 'python3')) return
  const program = `import fcntl, os, subprocess, sys, time
r, w = os.pipe()
fcntl.fcntl(w, fcntl.F_SETFL, fcntl.fcntl(w, fcntl.F_GETFL) | os.O_NONBLOCK)
fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 4096)
child = subprocess.Popen(sys.argv[1:], stderr=w)
os.close(w)
while text := os.read(r, 512):
    os.write(1, text)
    time.sleep(0.0005)
sys.exit(child.wait())`
  const line = [minderbinder, 'exec', ...many.flat(), '--', 'true']
  const done = await run(['/usr/bin/python3', '-c', program, ...line])
  assert.equal(done.status, 0)
  assert.match(done.stdout, /^minderbinder: rule/)
  assert.match(done.stdout, /--seed \d+\n$/)
  assert.equal(
    done.stdout.split('\n').filter((text) => /x599 +(?:ptrace|seccomp)/.test(text)).length,
    1,
  )
})
