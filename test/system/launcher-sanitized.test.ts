/** The launcher's C under the address and undefined-behaviour sanitizers, through everything it does. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after } from 'node:test'
import { Changing, changeOften, takingTurns } from '../helpers/changing.ts'
import { clientCommand } from '../helpers/control.ts'
import { requires } from '../helpers/requires.ts'
import { run } from '../helpers/run.ts'

const repository = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'mb-test-'))
after(() => {
  rmSync(folder, { recursive: true })
  if (built) rmSync(built)
})
let built: string | undefined

function launcher(): string {
  if (built === undefined) {
    // Beside the real one: it finds dist from there.
    built = join(repository, 'build', `launcher-sanitized-${process.pid}`)
    execFileSync('sh', [
      join(repository, 'scripts/build-launcher.sh'),
      built,
      '-fsanitize=address,undefined',
      '-fno-sanitize-recover=all',
      // Full at once: what is done about that is tried, too.
      '-DIMAGES_CAPACITY=8u',
    ])
  }
  return built
}

function exec(...args: string[]) {
  // The supervisor has no stderr any more when it serves: reports go to files.
  const options = `log_path=${join(folder, 'report')}`
  return run([launcher(), 'exec', '--engine', 'seccomp', ...args], {
    env: { ASAN_OPTIONS: options, UBSAN_OPTIONS: options },
  })
}

const cases: [what: string, args: string[], status: number | null, signal: string | null][] = [
  ['an errno', ['--syscall', 'openat=ENOENT', 'cat', '/etc/hostname'], 1, null],
  ['a return value', ['--syscall', 'getppid=ret:7', '/bin/true'], 0, null],
  ['a delay', ['--syscall', 'openat=delay:1ms', 'cat', '/etc/hostname'], 0, null],
  [
    'clients of --control',
    [
      '--control',
      ...clientCommand(`
c, d = Client(), Client()
for scope in ["tree", "process", "children"]: c.inject(fault, "write=EIO,fd=99", scope=scope)
d.inject("%net=EIO", scope="thread", tid=threading.get_native_id())
assert opens() == "EIO"
d.lift(); d.send(b"garbage"); d.close()
if os.fork() == 0: os.execv("/bin/true", ["true"])
os.wait(); c.lift()
assert opens() == "ok"`),
    ],
    0,
    null,
  ],
  ['a signal', ['--syscall', 'openat=signal:TERM', 'cat', '/etc/hostname'], null, 'SIGTERM'],
  [
    'a path and a process',
    [
      '--syscall',
      'openat=EIO,path=/etc/host*,scope=process,after=1us',
      'sh',
      '-c',
      'cat /etc/hostname; cat /etc/passwd >/dev/null',
    ],
    0,
    null,
  ],
  ['every call', ['--syscall', '%all=EIO@0%', 'sh', '-c', 'ls / >/dev/null; true'], 0, null],
  ['threads', ['--syscall', 'openat=EIO@0%', 'node', '-e', '0'], 0, null],
  ['a command that is not there', ['--syscall', 'openat=EIO', '/nonexistent'], 127, null],
  ['a usage error', ['--syscall', 'nonsense', 'true'], 125, null],
]

/** Whoever the shells start reads the file once. */
const reads =
  'for i in $(seq 40); do cat /etc/hostname & sh -c "cat /etc/hostname; true" & done; wait'

test('no sanitizer complains, and nobody is forgotten: targets, more than are kept at once', async (t) => {
  if (!requires(t, 'cc')) return
  const config = join(folder, 'config.yaml')
  const rule = (name: string, more: object) => ({
    ...{ name, syscall: 'openat', path: '/etc/hostname', ...more },
  })
  const syscall = [
    rule('nobody', {
      ret_code: 'EPERM',
      targets: [{ process_name: 'nobody*' }, { cgroup: '/' }, { uid: 4321 }],
      failure_rate: 0,
    }),
    rule('shells', { ret_code: 'EIO', targets: [{ process_name: 'sh' }] }),
  ]
  writeFileSync(config, JSON.stringify({ agents_of_chaos: { syscall } }))
  const { status, stdout, stderr } = await exec('--config', config, 'sh', '-c', reads)
  assert.deepEqual(reports(), [])
  assert.deepEqual([status, stdout], [0, ''], stderr)
  assert.match(stderr, /^minderbinder: shells +(?:ptrace|seccomp) +\d+ +80 +80$/m)
})

test('a child of the dead is not forgotten when others need the room', async (t) => {
  if (!requires(t, 'cc', 'perl')) return
  const [fifo, parent, config] = ['fifo', 'parent', 'orphan.yaml'].map((name) => join(folder, name))
  symlinkSync('/usr/bin/perl', parent!)
  // Opens nothing before, as a shell's background job does: that would be a call to know it by.
  const orphan = 'fork or sysread(STDIN, $_, 1) && (open F, "</etc/hostname" or print "failed\\n")'
  const rule = { name: 'orphan', syscall: 'openat', path: '/etc/hostname', ret_code: 'EIO' }
  const syscall = [{ ...rule, targets: [{ process_name: 'parent' }] }]
  writeFileSync(config!, JSON.stringify({ agents_of_chaos: { syscall } }))
  const others = 'for i in $(seq 40); do cat /dev/null; done'
  const command = `mkfifo ${fifo}; exec 4<>${fifo}; ${parent} -e '${orphan}' <&4; ${others}; echo >&4`
  // The last cat is done when the orphan has closed the pipe.
  const { stdout, stderr } = await exec('--config', config!, 'sh', '-c', `(${command}) | cat`)
  assert.deepEqual(reports(), [])
  assert.equal(stdout, 'failed\n', stderr)
  assert.match(stderr, /^minderbinder: orphan +(?:ptrace|seccomp) +\d+ +1 +1$/m)
})

test('no sanitizer complains: rules change under four threads', async (t) => {
  if (!requires(t, 'cc')) return
  const options = `log_path=${join(folder, 'report')}`
  const changing = await Changing.start(t, {
    faults: takingTurns[0],
    scope: { capacity: 3, reach: new Set(['getpgid', 'openat']) },
    threads: 4,
    launcher: launcher(),
    env: { ASAN_OPTIONS: options, UBSAN_OPTIONS: options },
  })
  await changeOften(changing, [0, 1, 2], 100)
  const { end } = await changing.stop()
  assert.deepEqual(reports(), [])
  assert.deepEqual(end, { kind: 'exited', status: 0 })
  assert.equal(
    changing.calls.failed('openat', 'EPERM') + changing.calls.failed('openat', 'EACCES'),
    changing.calls.made('openat'),
  )
})

function reports(): string[] {
  const names = readdirSync(folder).filter((name) => name.startsWith('report'))
  return names.map((name) => readFileSync(join(folder, name), 'utf8'))
}

for (const [what, args, status, signal] of cases)
  test(`no sanitizer complains: ${what}`, async (t) => {
    if (!requires(t, 'cc')) return
    const log = join(folder, 'log')
    const result = await exec('--log', log, ...args)
    assert.deepEqual(reports(), [])
    assert.deepEqual([result.status, result.signal], [status, signal], result.stderr)
    if (status === 1) assert.match(readFileSync(log, 'utf8'), /"path":"\/etc\/hostname"/)
  })
