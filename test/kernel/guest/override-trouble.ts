/**
 * Run in virtual machines only, by kernels.test.ts. Where override does not work, for each reason there can be:
 * --engine override ends in 125, names what is missing and leaves nothing behind; auto does the same rule by
 * ptrace, and says so where it had tried override first.
 */
import assert from 'node:assert/strict'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { readBpfObject } from '../../../src/kernel/bpf/file.ts'
import { fixture } from '../../helpers/fixture.ts'
import { requires } from '../../helpers/requires.ts'
import { minderbinder, run, runMinderbinder } from '../../helpers/run.ts'
import { scratch } from '../../helpers/scratch.ts'
import { nothingLeft, systemState } from '../../helpers/system-state.ts'

interface Trouble {
  readonly title: string
  /** What makes it so: a command in front of minderbinder. */
  before(t: TestContext): Promise<readonly string[]> | readonly string[]
  /** Calls of the rule; fsync where left out. */
  readonly calls?: string
  readonly says: RegExp
  /** It shows before anything is tried: auto says nothing of it. */
  readonly foreseen?: true
}

/** Changes what is mounted where, for one command. */
const mounts = (script: string) => ['unshare', '--mount', 'sh', '-ec', `${script}\nexec "$@"`, 'sh']

const insteadOfLibbpf = (file: string) =>
  mounts(`for path in $(ldconfig -p | sed -n 's/.*libbpf\\.so\\.1.*=> //p'); do
    mount --bind ${file} "$path"
  done`)

const object = new URL('../../../bpf/syscall.bpf.o', import.meta.url).pathname

const troubles: readonly Trouble[] = [
  {
    title: 'no libbpf',
    before: () => insteadOfLibbpf('/dev/null'),
    says: /libbpf\.so\.1 cannot be used[\s\S]*apt install libbpf1/,
  },
  {
    title: 'a libbpf that is too old',
    async before(t) {
      const library = join(scratch(t), 'libbpf.so.1')
      const compile = ['cc', '-shared', '-fPIC', '-x', 'c', '-', '-o', library]
      const done = await run(compile, { input: 'int libbpf_set_print(void) { return 0; }' })
      assert.equal(done.status, 0, done.stderr)
      return insteadOfLibbpf(library)
    },
    says: /libbpf\.so\.1 cannot be used[\s\S]*libbpf 1\.0 or newer/,
  },
  {
    title: 'root without capabilities',
    before: () => ['setpriv', '--bounding-set=-bpf,-perfmon,-sys_admin,-net_admin', '--'],
    says: /refuses to load bpf\/syscall\.bpf\.o for this root \(EPERM\)[\s\S]*BPF, PERFMON/,
  },
  {
    title: 'a kernel without BTF',
    before: () => mounts('mount -t tmpfs none /sys/kernel/btf'),
    says: /CONFIG_DEBUG_INFO_BTF/,
    foreseen: true,
  },
  {
    title: 'a kernel without kprobe events',
    before: () => mounts('mount -t tmpfs none /sys/bus/event_source/devices'),
    says: /CONFIG_KPROBE_EVENTS/,
    foreseen: true,
  },
  {
    title: 'a kernel without error injection',
    before: () =>
      mounts('mount -t tmpfs none /sys/kernel/debug && mkdir /sys/kernel/debug/kprobes'),
    says: /CONFIG_FUNCTION_ERROR_INJECTION/,
    foreseen: true,
  },
  {
    title: 'a program that the verifier refuses',
    before(t) {
      const path = join(scratch(t), 'syscall.bpf.o')
      writeFileSync(path, tampered())
      return mounts(`mount --bind ${path} ${object}`)
    },
    says: /does not load bpf\/syscall\.bpf\.o: EINVAL: .*99999/,
  },
  {
    // Its function is there, and it is not one that may fail: what says so beforehand is hidden.
    title: 'one call of several that cannot be had',
    before: () => mounts('mount -t tmpfs none /sys/kernel/debug'),
    calls: 'fsync+quotactl',
    says: /quotactl/,
  },
]

/** bpf_get_current_ancestor_cgroup_id (123), which every program calls, becomes what no kernel has. */
function tampered(): Buffer {
  const bytes = readBpfObject('syscall')
  const call = Buffer.from([0x85, 0, 0, 0, 123, 0, 0, 0])
  let at = bytes.indexOf(call)
  assert.ok(at > 0)
  for (; at > 0; at = bytes.indexOf(call, at + 8)) bytes.writeUInt32LE(99_999, at + 4)
  return bytes
}

for (const { title, before, calls = 'fsync', says, foreseen } of troubles)
  test(`${title}: --engine override says so, auto does without`, async (t) => {
    if (!requires(t, 'root', 'unshare', 'setpriv', 'cc')) return
    const program = fixture('steps')
    const way = await before(t)
    const state = systemState()
    const faulted = (...options: string[]) =>
      run(
        [
          ...[...way, minderbinder, 'exec', ...options, '--syscall', `${calls}=EIO`, '--'],
          ...[program, '2 fsync -1', '1 dup -1'],
        ],
        { timeout: 180_000 },
      )
    const named = await faulted('--engine', 'override')
    assert.deepEqual([named.status, named.stdout], [125, ''], named.stderr)
    assert.match(named.stderr, says)
    const auto = await faulted()
    assert.deepEqual([auto.status, auto.stdout], [0, 'fsync: -5*2\ndup: -9\n'], auto.stderr)
    assert.match(auto.stderr, /=EIO +ptrace +2 +2 +2$/m)
    const tried = /override did not attach, and ptrace did its rules: /
    if (foreseen) assert.doesNotMatch(auto.stderr, tried)
    else assert.match(auto.stderr, tried)
    await nothingLeft(state)
  })

test('all that the verifier says comes with --debug, its last lines without', async (t) => {
  if (!requires(t, 'root', 'unshare')) return
  const path = join(scratch(t), 'syscall.bpf.o')
  writeFileSync(path, tampered())
  const command = [minderbinder, 'exec', '--debug', '--engine', 'override']
  const { status, stderr } = await run(
    [
      ...mounts(`mount --bind ${path} ${object}`),
      ...[...command, '--syscall', 'fsync=EIO', '--', 'true'],
    ],
    { timeout: 180_000 },
  )
  assert.equal(status, 125, stderr)
  assert.match(stderr, /^.*\bR1\b.*$/m)
  assert.match(stderr, /99999/)
  assert.ok(stderr.split('\n').length > 10, stderr)
})

test('an ordinary user gets ptrace from auto, and is told that override needs root', async (t) => {
  if (!requires(t, 'root', 'user:nobody', 'setpriv')) return
  const command = ['--syscall', 'fsync=EIO', '--', fixture('steps'), '1 fsync -1']
  const options = { user: 'nobody', timeout: 180_000 }
  const auto = await runMinderbinder(['exec', ...command], options)
  assert.deepEqual([auto.status, auto.stdout], [0, 'fsync: -5\n'], auto.stderr)
  assert.doesNotMatch(auto.stderr, /override/)
  const named = await runMinderbinder(['exec', '--engine', 'override', ...command], options)
  assert.deepEqual([named.status, named.stdout], [125, ''])
  assert.match(named.stderr, /override: it needs root/)
})

test('the twin: without trouble, auto takes override', async (t) => {
  if (!requires(t, 'root')) return
  const folder = scratch(t)
  chmodSync(folder, 0o700)
  const output = join(folder, 'summary')
  const { status, stdout } = await runMinderbinder(
    ['exec', '-o', output, '--syscall', 'fsync=EIO', '--', fixture('steps'), '1 fsync -1'],
    { timeout: 180_000 },
  )
  assert.deepEqual([status, stdout], [0, 'fsync: -5\n'])
  const summary = readFileSync(output, 'utf8')
  assert.match(summary, /=EIO +override +1 +1 +1$/m)
  assert.doesNotMatch(summary, /did not attach/)
})
