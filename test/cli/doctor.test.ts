/** `doctor` on this machine: as who it runs, with what is taken away from it, and what is left of it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import type { DoctorJson } from '../../src/doctor/json.ts'
import { ownCgroup } from '../../src/kernel/cgroup/place.ts'
import { identities, unprivileged } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import {
  minderbinder,
  type RunOptions,
  run,
  runMinderbinder,
  startMinderbinder,
} from '../helpers/run.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { until } from '../helpers/until.ts'

const doctorJson = [minderbinder, 'doctor', '--json']

/** Runs a command that ends in `doctor --json`, and looks at what every report has to have. */
async function examine(command: readonly string[], options?: RunOptions): Promise<Examined> {
  const before = systemState()
  const done = await run(command, options)
  assert.equal(done.stderr, '')
  const report = JSON.parse(done.stdout) as DoctorJson
  const works = report.faults.map((fault) => fault.works)
  assert.equal(done.status, works.includes('yes') ? 0 : 1, done.stdout)
  for (const check of report.checks) {
    assert.ok(check.detail, check.id)
    const texts = check.result === 'no' ? [check.cost, check.remedy] : []
    for (const text of texts) assert.ok(text, `${check.id} is a no without a cost or a remedy`)
  }
  await nothingLeft(before)
  return {
    status: done.status,
    result: (id) => report.checks.find((check) => check.id === id)?.result,
    works: (id) => report.faults.find((fault) => fault.id === id)?.works,
    reason: (id) => report.faults.find((fault) => fault.id === id)?.reason,
    engines: (id) => report.faults.find((fault) => fault.id === id)?.engines,
    report,
  }
}

interface Examined {
  readonly status: number | null
  result(id: string): string | undefined
  works(id: string): string | undefined
  reason(id: string): string | null | undefined
  engines(id: string): readonly string[] | undefined
  readonly report: DoctorJson
}

const packets = ['packet-loss', 'incoming-loss'] as const

test('as root every fault that exec can do here is a yes, seen to happen', async (t) => {
  if (!requires(t, 'root', 'libbpf', 'cgroup2')) return
  const doctor = await examine(doctorJson)
  assert.equal(doctor.works('system-calls'), 'yes')
  for (const id of packets) assert.equal(doctor.works(id), 'yes', doctor.reason(id) ?? '')
  assert.deepEqual(doctor.engines('refused-connections'), ['cgroup', 'ptrace', 'seccomp'])
  for (const id of ['cgroup-write', 'ring-buffer', 'bpf-load', 'tracepoints', 'seccomp-setuid'])
    assert.equal(doctor.result(id), 'yes', id)
})

test('without root: system call faults and refused connections, and lost packets need root', async () => {
  const doctor = await examine(doctorJson, unprivileged.options)
  assert.equal(doctor.status, 0)
  assert.equal(doctor.works('system-calls'), 'yes')
  assert.deepEqual(doctor.engines('system-calls'), ['ptrace', 'seccomp'])
  assert.deepEqual(doctor.engines('refused-connections'), ['ptrace', 'seccomp'])
  for (const id of packets)
    assert.deepEqual([doctor.works(id), doctor.reason(id)], ['no', 'needs root'])
  assert.equal(doctor.result('root'), 'no')
  assert.equal(doctor.result('cap-bpf'), 'no')
  assert.equal(doctor.result('seccomp-setuid'), 'no')
})

test('every check, fact and fault of the JSON is documented', async () => {
  const text = readFileSync(new URL('../../docs/doctor.md', import.meta.url), 'utf8')
  const { report } = await examine(doctorJson, unprivileged.options)
  const ids = report.checks.map(({ id }) => id).filter((id) => !id.startsWith('cap-'))
  const faults = report.faults.map(({ id }) => id)
  for (const name of [...ids, ...faults, ...Object.keys(report.facts)])
    assert.ok(text.includes(`\`${name}\``), name)
})

for (const { title, options } of identities) {
  test(`the text begins with what works, and each no says what to do, ${title}`, async () => {
    const done = await runMinderbinder(['doctor'], options)
    assert.equal(done.status, 0, done.stderr)
    assert.match(
      done.stdout,
      /^system call faults: yes \((override, )?ptrace, seccomp\) {3}packet loss: /,
    )
    const count = (pattern: RegExp) => done.stdout.match(pattern)?.length ?? 0
    const refusals = count(/^ {2}no {3}/gm)
    assert.equal(count(/^ {7}costs you: {4}./gm), refusals)
    assert.equal(count(/^ {7}to change it: ./gm), refusals)
  })
}

test('where another listens already and nothing else works, it ends in 1 and says so', async () => {
  const doctor = await examine(
    [
      minderbinder,
      'exec',
      '-q',
      '--engine',
      'seccomp',
      '--syscall',
      'chroot=EPERM',
      '--',
      ...doctorJson,
    ],
    unprivileged.options,
  )
  assert.equal(doctor.status, 1)
  assert.equal(doctor.result('ptrace'), 'no')
  assert.equal(doctor.reason('system-calls'), 'a seccomp listener is watching already')
})

test('it does what exec does: what doctor calls refused, exec refuses', async () => {
  const line = ['exec', '--drop-net', '100%', '--', 'true']
  const done = await runMinderbinder(line, unprivileged.options)
  assert.equal(done.status, 125)
  assert.match(done.stderr, /needs root/)
})

test('features that are turned off are reported so, and the ways round them', async (t) => {
  if (!requires(t, 'root', 'libbpf', 'cgroup2')) return
  const env = { MINDERBINDER_NO_FEATURE: 'tcx,cgroup.kill' }
  const doctor = await examine(doctorJson, { env })
  assert.equal(doctor.result('tcx'), 'no')
  assert.equal(doctor.result('clsact'), 'yes')
  assert.equal(doctor.result('cgroup-kill'), 'no')
  assert.deepEqual(doctor.engines('packet-loss'), ['tc/clsact'])
  assert.deepEqual(doctor.report.facts.turnedOff, ['tcx', 'cgroup.kill'])
  const check = doctor.report.checks.find(({ id }) => id === 'tcx')
  assert.match(check?.remedy ?? '', /MINDERBINDER_NO_FEATURE/)
})

test('in a user namespace root is nobody to BPF, and seccomp works', async (t) => {
  if (!requires(t, 'root', 'unshare')) return
  const doctor = await examine(['unshare', '-r', ...doctorJson])
  assert.equal(doctor.works('system-calls'), 'yes')
  assert.equal(doctor.result('initial-user-namespace'), 'no')
  assert.equal(doctor.result('root'), 'yes')
  for (const id of packets) {
    assert.equal(doctor.works(id), 'no')
    assert.equal(doctor.reason(id), 'needs root outside this user namespace')
  }
})

test('without a writable cgroup no packets get lost, for that reason', async (t) => {
  if (!requires(t, 'root', 'unshare', 'mount', 'cgroup2', 'libbpf')) return
  const mounts = cgroup2Mounts()
  const script = [
    ...mounts.map((mount) => `mount -o remount,ro,bind '${mount}'`),
    'exec "$@"',
  ].join(' && ')
  const doctor = await examine(['unshare', '-m', 'sh', '-c', script, 'sh', ...doctorJson])
  assert.equal(doctor.result('cgroup-place'), 'yes')
  assert.equal(doctor.result('cgroup-write'), 'no')
  assert.equal(doctor.result('bpf-load'), 'yes')
  for (const id of packets)
    assert.deepEqual([doctor.works(id), doctor.reason(id)], ['no', 'no cgroup can be made'])
})

test('without cgroup v2 no packets get lost, for that reason', async (t) => {
  if (!requires(t, 'root', 'unshare', 'mount', 'cgroup2')) return
  const script = [...cgroup2Mounts().map((mount) => `umount '${mount}'`), 'exec "$@"'].join(' && ')
  // In a pid namespace of its own no process above it has other mounts, by which it would find one.
  const alone = ['unshare', '--pid', '--fork', '--mount-proc']
  const doctor = await examine([...alone, 'sh', '-c', script, 'sh', ...doctorJson])
  assert.equal(doctor.result('cgroup-place'), 'no')
  assert.equal(doctor.works('system-calls'), 'yes')
  for (const id of packets) assert.equal(doctor.reason(id), 'no cgroup v2 can be found')
})

test('without libbpf no packets get lost, connections are refused, and there is no crash', async (t) => {
  if (!requires(t, 'root', 'unshare', 'mount', 'libbpf')) return
  const script = [...libbpfFiles().map((file) => `mount --bind /dev/null '${file}'`), 'exec "$@"']
  const command = ['unshare', '-m', 'sh', '-c', script.join(' && '), 'sh', ...doctorJson]
  const doctor = await examine(command)
  assert.equal(doctor.result('libbpf'), 'no')
  assert.equal(doctor.works('system-calls'), 'yes')
  for (const id of packets) assert.equal(doctor.reason(id), 'libbpf cannot be used')
  assert.deepEqual(doctor.engines('refused-connections'), ['ptrace', 'seccomp'])
})

test('without a loopback it could not tell, and says so', async (t) => {
  if (!requires(t, 'root', 'netns', 'libbpf', 'cgroup2')) return
  const doctor = await examine(['unshare', '-n', ...doctorJson])
  for (const id of packets) assert.equal(doctor.works(id), 'unknown')
})

for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const)
  test(`nothing is left of a doctor that ${signal} ends`, async (t) => {
    if (!requires(t, 'root', 'libbpf', 'cgroup2')) return
    const before = systemState()
    const doctor = startMinderbinder(['doctor'])
    await until(() => cgroupOf(doctor.pid), { what: 'its cgroup has a process' })
    doctor.child.kill(signal)
    assert.equal((await doctor.result).signal, signal)
    await nothingLeft(before)
  })

test('called wrongly it ends in 2', async () => {
  for (const args of [['doctor', 'now'], ['doctor', '--jsn'], ['doctr']]) {
    const done = await runMinderbinder(args)
    assert.deepEqual([done.status, done.stdout], [2, ''], args.join(' '))
    assert.match(done.stderr, /^minderbinder: /)
  }
  assert.equal((await runMinderbinder(['doctor', '--help'])).status, 0)
})

test('no name of a command reaches the probes of the launcher', async () => {
  const done = await runMinderbinder(['--probe', 'seccomp'])
  assert.deepEqual([done.status, done.stdout], [2, ''])
})

test('whoever closes stdout early is no error', async () => {
  const done = await run(['sh', '-c', '"$0" doctor | head -1', minderbinder])
  assert.deepEqual([done.status, done.stderr], [0, ''])
})

/** The cgroup that a doctor has made, once the probe is in it. */
function cgroupOf(pid: number): boolean {
  const { path } = ownCgroup()
  const made = readdirSync(path).find((name) => name.includes(`-${pid}-`))
  return made !== undefined && readFileSync(join(path, made, 'cgroup.procs'), 'utf8') !== ''
}

function cgroup2Mounts(): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  return lines
    .filter((line) => line.includes(' - cgroup2 '))
    .map((line) => line.split(' ')[4] ?? '')
}

function libbpfFiles(): string[] {
  const cache = execFileSync('ldconfig', ['-p'], { encoding: 'utf8' })
  return [...cache.matchAll(/libbpf\.so\.1 .*=> (\S+)/g)].map(([, path]) => path ?? '')
}
