/**
 * Run in virtual machines only, by kernels.test.ts. Under the engine hook, what the kernel does on its own passes the
 * hooks of named calls and is not hit: in its threads, in programs that it starts, and in a thread of the target that
 * is in another call or in none. The same program makes a named call first, which fails.
 */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { fixture } from '../../helpers/fixture.ts'
import { startRun } from '../../helpers/machine-run.ts'
import { requires } from '../../helpers/requires.ts'
import { run, runMinderbinder } from '../../helpers/run.ts'
import { scratch } from '../../helpers/scratch.ts'
import { nothingLeft, systemState } from '../../helpers/system-state.ts'
import { kernelComplaints } from '../../helpers/vm-log.ts'

const needs = ['root', 'libbpf', 'cc', 'bpftool', 'linux:hook'] as const
const timeout = 180_000
const EXDEV = -18
const ENOEXEC = -8
const ENOENT = -2
const SIGABRT = 6

interface Work {
  readonly name: string
  /** Whose like the kernel does. */
  readonly fault: string
  readonly what: string
  /** The result of the named call where there is no fault, then what became of the kernel's. */
  readonly results: readonly [number, ...number[]]
  /** Of the kernel: passes the hook in the meantime. */
  readonly thread?: RegExp
  /** A sysctl, and its value, of the folder. */
  readonly setting?: readonly [string, string]
}

const works: readonly Work[] = [
  {
    name: 'module',
    fault: 'read+pread64=EXDEV,fd=100',
    what: 'finit_module reads its file',
    results: [1, ENOEXEC],
  },
  {
    name: 'family',
    fault: 'mkdir+mkdirat=EXDEV',
    what: 'a kworker starts modprobe, and that makes a folder',
    results: [0, 0],
    thread: /^kworker/,
    setting: ['/proc/sys/kernel/modprobe', 'modprobe'],
  },
  {
    name: 'console',
    fault: 'mknod+mknodat+unlink+unlinkat=EXDEV',
    what: 'kdevtmpfs makes a device file and removes it',
    results: [0, 0, ENOENT],
    thread: /^kdevtmpfs/,
  },
  {
    name: 'network',
    fault: 'socket=EXDEV',
    what: 'a new network opens its sockets',
    results: [0, 0],
  },
  {
    name: 'ring',
    fault: 'clone+clone3=EXDEV',
    what: 'io_uring_setup starts the thread that polls',
    results: [0, 0],
  },
  {
    name: 'mapped',
    fault: 'read+pread64+write=EXDEV,fd=100',
    what: 'pages of a mapped file come in, also within a write that is not hit',
    results: [1, 'm'.charCodeAt(0), 4],
  },
  {
    name: 'program',
    fault: 'open+openat+read+pread64+mmap=EXDEV',
    what: 'execve opens, reads and maps a script and its interpreter',
    results: [0, 0],
  },
  {
    name: 'core',
    fault: 'open+openat=EXDEV',
    what: 'a core file is written',
    results: [0, 2000 + SIGABRT],
    setting: ['/proc/sys/kernel/core_pattern', 'core'],
  },
]

/** What it prints. */
function lines([direct, ...kernel]: Work['results']): string {
  return [`direct ${direct}`, ...kernel.map((each) => `kernel ${each}`), ''].join('\n')
}

function folderOf(t: TestContext, { setting }: Work): string {
  const folder = scratch(t)
  writeFileSync(join(folder, 'bytes'), 'm'.repeat(8192))
  writeFileSync(join(folder, 'script'), '#!/bin/true\n')
  writeFileSync(join(folder, 'modprobe'), `#!/bin/sh\nmkdir ${folder}/helped\n`)
  for (const name of ['script', 'modprobe']) chmodSync(join(folder, name), 0o755)
  if (setting) {
    const [file, name] = setting
    const before = readFileSync(file, 'utf8')
    writeFileSync(file, join(folder, name))
    t.after(() => writeFileSync(file, before))
  }
  return folder
}

async function dmesg(): Promise<readonly string[]> {
  return kernelComplaints((await run(['dmesg'], { timeout })).stdout)
}

for (const work of works)
  test(`${work.what}: not hit by ${work.fault}`, async (t) => {
    if (!requires(t, ...needs)) return
    if (work.setting && !existsSync(work.setting[0])) return t.skip(`no ${work.setting[0]}`)
    const before = systemState()
    const words = (folder: string) => [fixture('kernel-work'), work.name, folder]
    const bare = await run(words(folderOf(t, work)), { timeout })
    assert.equal(bare.stdout, lines(work.results), bare.stderr)
    const done = await runMinderbinder(
      ['exec', '--engine', 'hook', '--syscall', work.fault, '--', ...words(folderOf(t, work))],
      { timeout },
    )
    const [, ...kernel] = work.results
    assert.equal(done.stdout, lines([EXDEV, ...kernel]), done.stderr)
    assert.deepEqual(await dmesg(), [])
    await nothingLeft(before)
  })

test('execve that opens the same files is hit by its own name', async (t) => {
  if (!requires(t, ...needs)) return
  const work = works.find(({ name }) => name === 'program')!
  const done = await runMinderbinder(
    [
      ...['exec', '--engine', 'hook', '--syscall', 'execve=EXDEV', '--'],
      ...[fixture('kernel-work'), work.name, folderOf(t, work)],
    ],
    { timeout },
  )
  assert.equal(done.stdout, lines([0, -EXDEV]), done.stderr)
})

const tracing = '/sys/kernel/tracing'

test('threads of the kernel pass the hook, and even where a rule names them they are not hit', async (t) => {
  if (!requires(t, ...needs)) return
  const before = systemState()
  const write = (file: string, text: string) => writeFileSync(join(tracing, file), text)
  await run(['mount', '-t', 'tracefs', 'none', tracing])
  t.after(() => {
    write('events/mb/enable', '0')
    write('kprobe_events', '')
  })
  write('kprobe_events', 'p:mb/passed security_inode_permission comm=$comm\n')
  const session = await startRun(
    t,
    `agents_of_chaos:
  syscall:
    - name: all
      syscall: mkdir+mkdirat+mknod+mknodat+unlink+unlinkat
      ret_code: EXDEV
      targets: [{process_name: kdevtmpfs}, {process_name: kworker*}, {process_name: kernel-work*}]
`,
  )
  for (const work of works.filter(({ thread }) => thread)) {
    write('trace', '')
    write('events/mb/enable', '1')
    const done = await run([fixture('kernel-work'), work.name, folderOf(t, work)], { timeout })
    write('events/mb/enable', '0')
    const [, ...kernel] = work.results
    assert.equal(done.stdout, lines([EXDEV, ...kernel]), done.stderr)
    const trace = readFileSync(join(tracing, 'trace'), 'utf8')
    const threads = [...trace.matchAll(/ passed: .*comm="([^"]+)"/gm)].map(
      ([, thread = '']) => thread,
    )
    assert.ok(
      threads.some((thread) => work.thread!.test(thread)),
      `${[...new Set(threads)]}`,
    )
  }
  const { status, stderr } = await session.end()
  assert.equal(status, 0, stderr)
  assert.deepEqual(await dmesg(), [])
  await nothingLeft(before)
})
