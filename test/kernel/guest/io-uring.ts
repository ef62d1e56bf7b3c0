/**
 * Run in virtual machines only, by kernels.test.ts. Requests of io_uring pass the same hooks as the calls of their
 * names, in the thread itself, in a worker of it and in a thread that polls; none of them is a call, and none is hit.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { fixture } from '../../helpers/fixture.ts'
import { requires } from '../../helpers/requires.ts'
import { run, runMinderbinder } from '../../helpers/run.ts'
import { scratch } from '../../helpers/scratch.ts'
import { nothingLeft, systemState } from '../../helpers/system-state.ts'

const engine = process.env.MINDERBINDER_TEST_ENGINE === 'hook' ? 'hook' : 'override'
const timeout = 180_000
const EXDEV = -18
const requests = 11

/** Its own start opens files and connects to nothing: only what it makes of its requests is named. */
const faults = [
  ...['mkdirat+statx+symlinkat+renameat2+unlinkat+connect+sendto=EXDEV'],
  ...['openat=EXDEV,path=*folder', 'read+write=EXDEV,fd=100'],
].flatMap((fault) => ['--syscall', fault])

function linesOf(text: string): readonly string[] {
  return text.trimEnd().split('\n')
}

async function bare(t: TestContext): Promise<readonly string[] | undefined> {
  const lines = linesOf((await run([fixture('io-uring'), scratch(t)], { timeout })).stdout)
  if (lines[0] !== 'none') return lines
  t.skip('this kernel has no io_uring')
  return undefined
}

test(`${engine}: the calls are hit, and no request of any of the three ways`, async (t) => {
  if (!requires(t, 'root', 'libbpf', 'cc')) return
  const natural = await bare(t)
  if (!natural) return
  assert.equal(natural.length, 4 * requests)
  const failing = natural.filter((line) => !/ [04]$/.test(line))
  assert.deepEqual(failing, [], 'all of them work without faults')
  const before = systemState()
  const summary = join(scratch(t), 'summary')
  const command = ['--', fixture('io-uring'), scratch(t)]
  const done = await runMinderbinder(
    ['exec', '--engine', engine, '-o', summary, ...faults, ...command],
    { timeout },
  )
  assert.equal(done.status, 0, done.stderr)
  const expected = natural.map((line) =>
    line.startsWith('call ') ? line.replace(/ [04]$/, ` ${EXDEV}`) : line,
  )
  assert.deepEqual(linesOf(done.stdout), expected)
  const fired = [...readFileSync(summary, 'utf8').matchAll(/ (\d+)$/gm)].map(([, count]) =>
    Number(count),
  )
  // The seed's line ends in a number as well.
  assert.equal(
    fired.slice(0, 3).reduce((all, count) => all + count),
    requests,
  )
  await nothingLeft(before)
})

const tracing = '/sys/kernel/tracing'
/** What each request passes, of those that hook makes calls fail at. */
const passes = {
  security_inode_permission: ['mkdirat', 'openat', 'statx', 'symlinkat', 'renameat2', 'unlinkat'],
  security_file_permission: ['read', 'write'],
  security_socket_connect: ['connect'],
  security_socket_sendmsg: ['sendto'],
}

/** The kernel itself counts, by kprobes, which thread was where. */
test('requests pass the same hooks: in the thread itself, its workers and the thread that polls', async (t) => {
  if (!requires(t, 'root', 'cc')) return
  if (engine !== 'hook') return t.skip('of the hooks’ kernel')
  if (!(await bare(t))) return
  const names = Object.keys(passes)
  const write = (file: string, text: string, flag = 'w') =>
    writeFileSync(join(tracing, file), text, { flag })
  await run(['mount', '-t', 'tracefs', 'none', tracing])
  t.after(() => {
    write('events/mb/enable', '0')
    write('kprobe_events', '')
  })
  write('kprobe_events', names.map((name) => `p:mb/${name} ${name}\n`).join(''))
  write('trace', '')
  write('events/mb/enable', '1')
  await run([fixture('io-uring'), scratch(t)], { timeout })
  write('events/mb/enable', '0')
  const trace = readFileSync(join(tracing, 'trace'), 'utf8')
  for (const name of names) {
    const threads = [...trace.matchAll(new RegExp(`^ *(\\S+)-\\d+ .*: ${name}:`, 'gm'))]
    const kinds = new Set(threads.map(([, thread = '']) => thread.replace(/-\d+$/, '')))
    for (const kind of ['io-uring', 'iou-wrk', 'iou-sqp'])
      assert.ok(
        [...kinds].some((each) => each.startsWith(kind)),
        `${name}: ${[...kinds]}`,
      )
  }
})
