/**
 * Run in virtual machines only, by kernels.test.ts. Requests of io_uring pass the same hooks as the calls of their
 * names, in the thread itself, in a worker of it and in a thread that polls; none of them is a call, and no engine for
 * system calls hits one. `explain` says so of each.
 */
import assert from 'node:assert/strict'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { hooksOf } from '../../../src/engines/override/hooks.ts'
import { ringRequests } from '../../../src/rules/names/ring-requests.ts'
import { fixture } from '../../helpers/fixture.ts'
import { requires } from '../../helpers/requires.ts'
import { run, runMinderbinder } from '../../helpers/run.ts'
import { scratch } from '../../helpers/scratch.ts'
import { nothingLeft, systemState } from '../../helpers/system-state.ts'

const inKernel = process.env.MINDERBINDER_TEST_ENGINE === 'hook' ? 'hook' : 'override'
const timeout = 180_000
const EXDEV = -18
const ECONNREFUSED = -111

/** Keys of the program's own calls, so that its start is left alone. In each batch no more than override can watch. */
const batches: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'of path names': {
    'mkdirat openat2 statx setxattr getxattr symlinkat linkat renameat2 renameat unlinkat': '',
    openat: ',path=*folder',
    close: ',fd=107',
  },
  'of data': {
    'write pwrite64 writev pwritev pwritev2 read pread64 readv preadv preadv2': ',fd=100',
    'fallocate ftruncate fsync fdatasync sync_file_range': ',fd=102',
  },
  'of sockets': {
    socket: ',when=16+',
    'bind listen shutdown accept accept4 connect sendto sendmsg recvfrom recvmsg':
      ',fd=101+103+104+105+106',
  },
}

const keys = (batch: string): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(batches[batch]!).flatMap(([calls, key]) =>
      calls.split(' ').map((call) => [call, key] as const),
    ),
  )

function linesOf(text: string): readonly string[] {
  return text.trimEnd().split('\n')
}

const isCallOf = (calls: readonly string[]) => (line: string) => {
  const [way, name = ''] = line.split(' ')
  return way === 'call' && calls.includes(name)
}

function namesOf(way: string, lines: readonly string[]): ReadonlySet<string> {
  return new Set(
    lines.filter((line) => line.startsWith(`${way} `)).map((line) => line.split(' ')[1]!),
  )
}

async function bare(t: TestContext): Promise<readonly string[] | undefined> {
  const lines = linesOf((await run([fixture('io-uring'), scratch(t)], { timeout })).stdout)
  if (lines[0] !== 'none') return lines
  t.skip('this kernel has no io_uring')
  return undefined
}

test('every request and every call works without faults', async (t) => {
  if (!requires(t, 'root', 'cc')) return
  const natural = await bare(t)
  if (!natural) return
  // EOPNOTSUPP: a tmpfs may have no extended attributes.
  const failing = natural.filter((line) => !/ [045]$|xattr -95$/.test(line))
  assert.deepEqual(failing, [])
  for (const way of ['inline', 'worker', 'poll', 'call'])
    assert.deepEqual(namesOf(way, natural), ringRequests, way)
  const named = Object.keys(batches).flatMap((batch) => [...keys(batch).keys()])
  assert.deepEqual(new Set(named), ringRequests)
})

for (const engine of [inKernel, 'seccomp', 'ptrace'])
  for (const batch of Object.keys(batches))
    test(`${engine}, requests ${batch}: the calls are hit, no request is, and explain says so`, async (t) => {
      if (!requires(t, 'root', 'libbpf', 'cc')) return
      const natural = await bare(t)
      if (!natural) return
      const calls = [...keys(batch).keys()].filter(
        (call) => engine !== 'hook' || hooksOf(call).length > 0,
      )
      const faults = calls.flatMap((call) => ['--syscall', `${call}=EXDEV${keys(batch).get(call)}`])
      const before = systemState()
      const summary = join(scratch(t), 'summary')
      const command = ['--', fixture('io-uring'), scratch(t)]
      const done = await runMinderbinder(
        ['exec', '--engine', engine, '-o', summary, ...faults, ...command],
        { timeout },
      )
      assert.equal(done.status, 0, done.stderr)
      const isHit = isCallOf(calls)
      const expected = natural.map((line) =>
        isHit(line) ? line.replace(/\S+$/, `${EXDEV}`) : line,
      )
      assert.deepEqual(linesOf(done.stdout), expected)
      const rows = [...readFileSync(summary, 'utf8').matchAll(/: (\w+)=EXDEV\S* .* (\d+)$/gm)]
      assert.deepEqual(
        rows.map(([, call, fired]) => `${call} ${fired}`),
        calls.map((call) => `${call} ${call === 'unlinkat' ? 3 : 1}`),
      )
      const said = await runMinderbinder(['explain', '--engine', engine, ...faults], { timeout })
      assert.equal(said.status, 0, said.stderr)
      const why =
        engine === 'hook'
          ? 'its requests pass the same hooks, but in io_uring_enter or a thread of the kernel'
          : 'its requests are not system calls'
      assert.deepEqual(
        linesOf(said.stdout).filter((line) => line.includes('io_uring')),
        calls.map((call, at) => {
          const indent = `${at + 1}. `.replace(/./g, ' ')
          return `${indent}does not hit ${call} through io_uring: ${why}`
        }),
      )
      await nothingLeft(before)
    })

test(`${inKernel}: requests that go on where a named call returns are not hit`, async (t) => {
  if (!requires(t, 'root', 'libbpf', 'cc')) return
  if (!(await bare(t))) return
  const command = [fixture('late-requests'), '1000']
  const options = ['--engine', inKernel, '--syscall', 'recvfrom=EXDEV,fd=100']
  const done = await runMinderbinder(['exec', '-q', ...options, '--', ...command], { timeout })
  assert.equal(done.status, 0, done.stderr)
  const [calls, hit] = done.stdout.split(' ').map(Number)
  assert.ok(calls! > 1000, done.stdout)
  assert.equal(hit, 0)
})

/** For an ordinary user, by connect() itself. */
const refusals = [
  { user: 'root', words: 'refuses connections through io_uring, too' },
  {
    user: 'nobody',
    words: 'does not hit connect through io_uring: its requests are not system calls',
  },
]

for (const { user, words } of refusals)
  test(`refuse-net of ${user} ${words}`, async (t) => {
    if (!requires(t, 'root', 'libbpf', 'cc', 'setpriv')) return
    if (!(await bare(t))) return
    const options = { timeout, ...(user === 'nobody' && { user }) }
    const faults = ['--refuse-net', '100%,proto=udp']
    const folder = scratch(t)
    chmodSync(folder, 0o777)
    const command = ['exec', '-q', ...faults, '--', fixture('io-uring'), folder]
    const done = await runMinderbinder(command, options)
    assert.equal(done.status, 0, done.stderr)
    assert.deepEqual(
      linesOf(done.stdout).filter((line) => line.includes(' connect ')),
      ['inline', 'worker', 'poll', 'call'].map(
        (way) => `${way} connect ${user === 'root' || way === 'call' ? ECONNREFUSED : 0}`,
      ),
    )
    const said = await runMinderbinder(['explain', ...faults], options)
    assert.deepEqual(
      linesOf(said.stdout).filter((line) => line.includes('io_uring')),
      [`   ${words}`],
    )
  })

const tracing = '/sys/kernel/tracing'
/** Of those that hook makes calls fail at: those of the requests. */
const passed = [...new Set([...ringRequests].flatMap((call) => hooksOf(call).slice(0, 1)))]

/** By the names of the threads. shutdown(2) of a ring always runs in a worker. */
const allKinds = ['io-uring', 'iou-wrk', 'iou-sqp']

/** The kernel itself counts, by kprobes, which thread was where. */
test('requests pass the same hooks: in the thread itself, its workers and the thread that polls', async (t) => {
  if (!requires(t, 'root', 'cc')) return
  if (inKernel !== 'hook') return t.skip('of the hooks’ kernel')
  if (!(await bare(t))) return
  const write = (file: string, text: string, flag = 'w') =>
    writeFileSync(join(tracing, file), text, { flag })
  await run(['mount', '-t', 'tracefs', 'none', tracing])
  t.after(() => {
    write('events/mb/enable', '0')
    write('kprobe_events', '')
  })
  write('kprobe_events', passed.map((name) => `p:mb/${name} ${name}\n`).join(''))
  write('trace', '')
  write('events/mb/enable', '1')
  await run([fixture('io-uring'), scratch(t)], { timeout })
  write('events/mb/enable', '0')
  const trace = readFileSync(join(tracing, 'trace'), 'utf8')
  for (const name of passed) {
    const threads = [...trace.matchAll(new RegExp(`^ *(\\S+)-\\d+ .*: ${name}:`, 'gm'))]
    const kinds = new Set(threads.map(([, thread = '']) => thread.replace(/-\d+$/, '')))
    const expected = name === 'security_socket_shutdown' ? ['iou-wrk'] : allKinds
    for (const kind of expected)
      assert.ok(
        [...kinds].some((each) => each.startsWith(kind)),
        `${name}: ${[...kinds]}`,
      )
  }
})
