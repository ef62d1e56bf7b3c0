/** run() of the library, as a program that imports the package has it: dist/index.js. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import type { RunReport, RunRequest } from '../../src/index.ts'
import { identities } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, run as runProgram } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { until } from '../helpers/until.ts'

const library = minderbinder.replace(/bin\/minderbinder$/, 'dist/index.js')
const { run } = (await import(library)) as { run: (request: RunRequest) => Promise<RunReport> }

/** Told from all others by its argument. */
const sleep = ['sleep', `1000.${process.pid}`] as const

function sleepers(): number[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8')
      return command === `${sleep.join('\0')}\0` ? [Number(name)] : []
    } catch {
      return []
    }
  })
}

/** Standard input, output and error of a command, and what it has printed. */
function captured(t: TestContext) {
  const file = join(scratch(t), 'output')
  const fd = openSync(file, 'w')
  return { stdio: ['ignore', fd, fd] as const, text: () => readFileSync(file, 'utf8') }
}

const never = 'openat=ENOENT,path=/no/such/file'

test('the command fails under the fault, and the report says what happened', async (t) => {
  const before = systemState()
  const { stdio, text } = captured(t)
  const command = ['cat', '/etc/hostname'] as const
  const faults = [
    'openat=ENOENT,path=/etc/hostname',
    { syscall: [{ syscall: 'write', ret_code: 'EIO', failure_rate: 0 }] },
  ]
  const report = await run({ command, faults, stdio, seed: 7 })
  assert.equal(text(), 'cat: /etc/hostname: No such file or directory\n')
  assert.deepEqual(report.end, { kind: 'exited', status: 1 })
  assert.deepEqual(report.command, command)
  assert.equal(report.seed, '7')
  assert.deepEqual(
    report.rules.map(({ label, matched, fired }) => ({ label, matched, fired })),
    [
      { label: faults[0], matched: 1, fired: 1 },
      { label: 'write=EIO@0%', matched: report.rules[1]?.matched, fired: 0 },
    ],
  )
  assert.ok((report.rules[1]?.matched ?? 0) > 0)
  assert.match(report.rules[1]?.whyNotFired ?? '', /\S/)
  await nothingLeft(before)
})

test('without a fault that fires, the command ends as it would', async (t) => {
  const { stdio, text } = captured(t)
  const report = await run({ command: ['cat', '/etc/hostname'], faults: [never], stdio })
  assert.equal(text(), readFileSync('/etc/hostname', 'utf8'))
  assert.deepEqual(report.end, { kind: 'exited', status: 0 })
  assert.equal(report.rules[0]?.fired, 0)
})

test('the environment and the directory are the request’s', async (t) => {
  const { stdio, text } = captured(t)
  const env = { PATH: process.env.PATH, ONLY: 'this' }
  await run({ command: ['env'], faults: [never], env, stdio })
  assert.deepEqual(text().trim().split('\n').sort(), ['ONLY=this', `PATH=${env.PATH}`])
  const where = captured(t)
  const cwd = scratch(t)
  await run({ command: ['pwd'], faults: [never], cwd, stdio: where.stdio })
  assert.equal(where.text(), `${cwd}\n`)
})

test('runs that go on at once have each its own rules, counts and end', async () => {
  const before = systemState()
  const reports = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      run({
        command: ['sh', '-c', `for i in $(seq ${index}); do : </dev/null; done; exit ${index}`],
        faults: [`openat=EIO@0%,path=/dev/null,name=own${index}`],
        stdio: 'ignore',
      }),
    ),
  )
  for (const [index, { end, rules }] of reports.entries()) {
    assert.deepEqual(end, { kind: 'exited', status: index })
    assert.deepEqual([rules[0]?.label, rules[0]?.matched], [`own${index}`, index])
  }
  await nothingLeft(before)
})

for (const [title, command, code] of [
  ['does not exist', ['minderbinder-no-such-command'], 'MB_EXEC_NOT_FOUND'],
  ['is a directory', ['/etc'], 'MB_EXEC_FAILED'],
] as const)
  test(`a command that ${title} is an error, and nothing is left`, async () => {
    const before = systemState()
    await assert.rejects(run({ command, faults: [never], stdio: 'ignore' }), { code })
    await nothingLeft(before)
  })

test('a request that is wrong is an error', async () => {
  const good = { command: ['true'], faults: [never], stdio: 'ignore' } as const
  for (const [wrong, code] of [
    [{ faults: ['opnat=EIO'] }, 'MB_UNKNOWN_NAME'],
    [{ seed: -1 }, 'MB_USAGE'],
    [{ seed: 1.5 }, 'MB_USAGE'],
    [{ timeoutMs: 0 }, 'MB_USAGE'],
    [{ timeoutMs: Number.NaN }, 'MB_USAGE'],
    [{ command: [] as unknown as [string] }, 'MB_USAGE'],
    [{ engine: 'no-such-engine' as 'auto' }, 'MB_USAGE'],
    [{ stdio: 'pipe' as 'ignore' }, 'MB_USAGE'],
    [{ stdio: [0, 1] as unknown as [0, 1, 2] }, 'MB_USAGE'],
  ] as const)
    await assert.rejects(run({ ...good, ...wrong }), { code }, JSON.stringify(wrong))
  const folder = await run(good)
  assert.deepEqual(folder.end, { kind: 'exited', status: 0 })
})

test('a command that a signal kills has the signal’s name in its report', async () => {
  const { end } = await run({
    command: ['sh', '-c', 'kill -KILL $$'],
    faults: [never],
    stdio: 'ignore',
  })
  assert.deepEqual(end, { kind: 'killed', signal: 'SIGKILL' })
})

const tree = ['sh', '-c', `setsid ${sleep.join(' ')} & ${sleep.join(' ')} & wait`] as const

test('a run that takes too long ends with all that it started', async () => {
  const before = systemState()
  const { end } = await run({ command: tree, faults: [never], stdio: 'ignore', timeoutMs: 300 })
  assert.deepEqual(end, { kind: 'timed-out' })
  assert.deepEqual(sleepers(), [])
  await nothingLeft(before)
})

test('a run that is aborted rejects with the reason, and ends with all that it started', async () => {
  const before = systemState()
  const controller = new AbortController()
  const running = run({
    command: tree,
    faults: [never],
    stdio: 'ignore',
    signal: controller.signal,
  })
  const rejected = assert.rejects(running, /enough/)
  await until(() => sleepers().length === 2, { what: 'the tree running' })
  controller.abort(new Error('enough'))
  await rejected
  assert.deepEqual(sleepers(), [])
  await assert.rejects(run({ command: tree, faults: [never], signal: controller.signal }), /enough/)
  await nothingLeft(before)
})

test('what the command leaves behind goes on, and is not faulted any more', async (t) => {
  const { stdio, text } = captured(t)
  const go = join(scratch(t), 'go')
  const script = `(until [ -e ${go} ]; do :; done; cat /etc/hostname) & exit 3`
  const faults = ['openat=EIO,path=/etc/hostname']
  const { end } = await run({ command: ['sh', '-c', script], faults, stdio })
  assert.deepEqual(end, { kind: 'exited', status: 3 })
  writeFileSync(go, '')
  await until(() => text() === readFileSync('/etc/hostname', 'utf8'), { what: 'its output' })
})

test('network faults', async (t) => {
  if (!requires(t, 'root', 'libbpf', 'cgroup2')) return
  const before = systemState()
  const connect =
    'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); socket.create_connection(s.getsockname())'
  const status = async (fault: string) => {
    const command = ['python3', '-c', connect] as const
    return (await run({ command, faults: [fault], stdio: 'ignore' })).end
  }
  assert.deepEqual(await status('--refuse-net 100%'), { kind: 'exited', status: 1 })
  assert.deepEqual(await status('--refuse-net 0%'), { kind: 'exited', status: 0 })
  await nothingLeft(before)
})

test('runs leave no descriptor, child or handle in this process', async () => {
  const request = { command: ['true'], faults: [never], stdio: 'ignore' } as const
  const descriptors = () => readdirSync('/proc/self/fd').length
  const children = () =>
    readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean)
  await run(request)
  // One of the tests before may have left a supervisor that is about to end.
  const before = { descriptors: descriptors(), children: new Set(children()) }
  for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 10 }, () => run(request)))
  await until(
    () =>
      descriptors() <= before.descriptors && children().every((pid) => before.children.has(pid)),
    { what: 'no more than there was before' },
  )
})

/** A program of its own, which may be killed. */
const program = (body: string) => [
  process.execPath,
  '--input-type=module',
  '-e',
  `import { run } from ${JSON.stringify(library)}\n${body}`,
]

for (const { title, options } of identities) {
  test(`a program can run commands under faults, and ends by itself, ${title}`, async () => {
    const body = `const { end, rules } = await run({ command: ['cat', '/etc/hostname'], faults: ['read=EIO'] })
      console.log(JSON.stringify([end, rules[0].fired > 0]))`
    const { stdout, stderr, status } = await runProgram(program(body), options)
    assert.equal(stdout, '[{"kind":"exited","status":1},true]\n')
    assert.equal(stderr, 'cat: /etc/hostname: Input/output error\n')
    assert.equal(status, 0)
  })

  test(`node is killed while 50 runs are under way: nothing is left of any, ${title}`, async (t) => {
    if (title === 'as root' && !requires(t, 'root')) return
    const before = systemState()
    const body = `const request = { command: ${JSON.stringify(sleep)}, faults: ['openat=EIO,path=/x'], stdio: 'ignore' }
      await Promise.all(Array.from({ length: 50 }, () => run(request)))`
    const [command = '', ...args] = program(body)
    const own = title === 'as root' || process.geteuid?.() !== 0 ? {} : { uid: 65534, gid: 65534 }
    const victim = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], ...own })
    try {
      await until(() => sleepers().length === 50, { what: '50 runs', bound: 60_000 })
    } finally {
      victim.kill('SIGKILL')
    }
    await until(() => sleepers().length === 0, { what: 'the end of all of them' })
    await nothingLeft(before)
  })
}
