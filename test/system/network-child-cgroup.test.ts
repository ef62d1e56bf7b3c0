/** The target's cgroup: survivors go home, nested cgroups go away, what is killed is dead. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import test, { type TestContext } from 'node:test'
import {
  type ChildCgroup,
  createCgroup,
  destroyCgroup,
  releaseCgroup,
  sweepCgroups,
} from '../../src/kernel/cgroup/cgroup.ts'
import { ownCgroup } from '../../src/kernel/cgroup/place.ts'
import {
  identityText,
  type ProcessIdentity,
  processIdentity,
  stateOf,
} from '../../src/kernel/process/identity.ts'
import { requires } from '../helpers/requires.ts'
import { scratch } from '../helpers/scratch.ts'

const needs = ['root', 'cgroup2'] as const
const self = () => processIdentity(process.pid)!

function member(t: TestContext, path: string, ...command: string[]): ChildProcess {
  const child = spawn(command[0] ?? 'sleep', command.slice(1).length ? command.slice(1) : ['1000'])
  t.after(() => child.kill('SIGKILL'))
  writeFileSync(join(path, 'cgroup.procs'), String(child.pid))
  return child
}

function cgroupOf(child: ChildProcess): string | undefined {
  return readFileSync(`/proc/${child.pid}/cgroup`, 'utf8').match(/^0::(.*)$/m)?.[1]
}

function nested(cgroup: ChildCgroup): string {
  const path = join(cgroup.path, 'a', 'b')
  mkdirSync(path, { recursive: true })
  return path
}

test('a cgroup is made under our own, with its id, level and owner', (t) => {
  if (!requires(t, ...needs)) return
  const own = ownCgroup()
  const cgroup = createCgroup(self())
  assert.match(
    basename(cgroup.path),
    new RegExp(`^minderbinder-${identityText(self(), '-')}-\\d+$`),
  )
  assert.equal(join(own.path, basename(cgroup.path)), cgroup.path)
  assert.equal(cgroup.level, own.level + 1)
  assert.ok(cgroup.id > 1n)
  return destroyCgroup(cgroup.path)
})

test('release: survivors live on where they came from, nested cgroups are gone', async (t) => {
  if (!requires(t, ...needs)) return
  const cgroup = createCgroup(self())
  const children = [member(t, cgroup.path), member(t, nested(cgroup))]
  await releaseCgroup(cgroup)
  assert.ok(!existsSync(cgroup.path))
  const own = readFileSync('/proc/self/cgroup', 'utf8').match(/^0::(.*)$/m)?.[1]
  for (const child of children) {
    assert.equal(cgroupOf(child), own)
    assert.equal(child.exitCode ?? child.signalCode, null)
  }
  await releaseCgroup(cgroup)
})

for (const feature of ['', 'cgroup.kill']) {
  test(`destroy${feature && ` without ${feature}`}: all are killed, forks in flight too`, async (t) => {
    if (!requires(t, ...needs)) return
    process.env.MINDERBINDER_NO_FEATURE = feature
    t.after(() => delete process.env.MINDERBINDER_NO_FEATURE)
    const cgroup = createCgroup(self())
    const forks = 'while :; do sh -c : & done'
    const children = [member(t, cgroup.path, 'sh', '-c', forks), member(t, nested(cgroup))]
    const ended = children.map((child) => once(child, 'exit'))
    await destroyCgroup(cgroup.path)
    assert.ok(!existsSync(cgroup.path))
    for (const [, signal] of await Promise.all(ended)) assert.equal(signal, 'SIGKILL')
    await destroyCgroup(cgroup.path)
  })
}

/** A process in a cgroup whose path is longer than PATH_MAX. */
async function memberFarBelow(t: TestContext, { path }: ChildCgroup): Promise<ChildProcess> {
  const program = `
import os, sys, time
os.chdir(sys.argv[1])
for level in range(30):
    os.mkdir('d' * 200)
    os.chdir('d' * 200)
open('cgroup.procs', 'w').write('0')
print('in', flush=True)
time.sleep(1000)`
  const child = spawn('/usr/bin/python3', ['-c', program, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return child
}

/** A process with a thread in a threaded cgroup, so that its own cgroup is the domain of one (cgroups(7)). */
async function memberWithThread(t: TestContext, { path }: ChildCgroup): Promise<ChildProcess> {
  mkdirSync(join(path, 'threads'))
  writeFileSync(join(path, 'threads', 'cgroup.type'), 'threaded')
  const program = `
import sys, threading, time
open(sys.argv[1] + '/cgroup.procs', 'w').write('0')
def work():
    open(sys.argv[1] + '/threads/cgroup.threads', 'w').write(str(threading.get_native_id()))
    print('in', flush=True)
    time.sleep(1000)
threading.Thread(target=work).start()`
  const child = spawn('/usr/bin/python3', ['-c', program, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return child
}

for (const [where, make] of [
  ['beyond PATH_MAX', memberFarBelow],
  ['in a threaded cgroup', memberWithThread],
] as const) {
  test(`release: a process ${where} goes home, too`, async (t) => {
    if (!requires(t, ...needs, 'python3')) return
    const cgroup = createCgroup(self())
    const child = await make(t, cgroup)
    await releaseCgroup(cgroup)
    assert.ok(!existsSync(cgroup.path))
    assert.equal(cgroupOf(child), ownLine())
    assert.equal(child.exitCode ?? child.signalCode, null)
  })

  test(`destroy: a process ${where} is killed, too`, async (t) => {
    if (!requires(t, ...needs, 'python3')) return
    const cgroup = createCgroup(self())
    const ended = once(await make(t, cgroup), 'exit')
    await destroyCgroup(cgroup.path)
    assert.ok(!existsSync(cgroup.path))
    assert.deepEqual(await ended, [null, 'SIGKILL'])
  })
}

function ownLine(): string | undefined {
  return readFileSync('/proc/self/cgroup', 'utf8').match(/^0::(.*)$/m)?.[1]
}

test('sweep: destroys what the dead left, and leaves the living and other namespaces alone', async (t) => {
  if (!requires(t, ...needs)) return
  const alive = createCgroup(self())
  const dead = createCgroup({ ...self(), startTime: '1' })
  const foreign = createCgroup({ ...self(), pidNamespace: '1', startTime: '1' })
  const shifted = createCgroup({ ...self(), timeNamespace: '1', startTime: '1' })
  t.after(() => Promise.all([alive, foreign, shifted].map(({ path }) => destroyCgroup(path))))
  const child = member(t, dead.path)
  const ended = once(child, 'exit')
  await sweepCgroups()
  assert.deepEqual(
    [alive, dead, foreign, shifted].map(({ path }) => existsSync(path)),
    [true, false, true, true],
  )
  assert.deepEqual(await ended, [null, 'SIGKILL'])
})

test('sweep: of another namespace what is old and empty goes, and nothing else', async (t) => {
  if (!requires(t, ...needs)) return
  const foreign = { ...self(), pidNamespace: '1', startTime: '1' }
  const all = [createCgroup(foreign), createCgroup(foreign), createCgroup(foreign)] as const
  const [young, old, busy] = all
  mkdirSync(join(old.path, 'nested'))
  mkdirSync(join(busy.path, 'nested'))
  t.after(() => Promise.all(all.map(({ path }) => destroyCgroup(path))))
  const child = member(t, join(busy.path, 'nested'))
  const anHourAgo = new Date(Date.now() - 3_600_000)
  for (const { path } of [old, busy]) utimesSync(path, anHourAgo, anHourAgo)
  await sweepCgroups()
  assert.deepEqual(
    [young, old, busy].map(({ path }) => existsSync(path)),
    [true, false, true],
  )
  assert.equal(child.exitCode ?? child.signalCode, null)
})

test('sweep: one that cannot be removed keeps no other, and what is mounted in it is left alone', async (t) => {
  if (!requires(t, ...needs, 'mount')) return
  const dead = { ...self(), startTime: '1' }
  const [stuck, other] = [createCgroup(dead), createCgroup(dead)]
  const [folder, point] = [scratch(t), join(stuck.path, 'point')]
  mkdirSync(join(folder, 'kept'))
  mkdirSync(point)
  assert.equal(spawnSync('mount', ['--bind', folder, point]).status, 0)
  t.after(() => {
    spawnSync('umount', [point])
    return destroyCgroup(stuck.path)
  })
  await sweepCgroups()
  assert.deepEqual(
    [stuck.path, join(folder, 'kept'), other.path].map((path) => existsSync(path)),
    [true, true, false],
  )
})

/** What a process that the command starts says of these identities. */
function statesBy(command: readonly string[], identities: readonly ProcessIdentity[]): string[] {
  const script = new URL('../helpers/state-of.ts', import.meta.url).pathname
  const node = [process.execPath, '--import', 'tsx', script]
  const [program, ...args] = [
    ...command,
    ...node,
    ...identities.map((each) => JSON.stringify(each)),
  ]
  const done = spawnSync(program!, args, { encoding: 'utf8' })
  assert.equal(done.status, 0, done.stderr)
  return JSON.parse(done.stdout)
}

test('only what is certain counts as dead: not in another time namespace, nor where /proc hides it', (t) => {
  if (!requires(t, ...needs, 'unshare', 'setpriv', 'mount')) return
  const ended = { ...self(), pid: spawnSync('true').pid }
  const reused = { ...self(), startTime: '1' }
  const all = [self(), ended, reused]
  assert.deepEqual(all.map(stateOf), ['alive', 'dead', 'dead'])
  assert.deepEqual(statesBy(['unshare', '--time', '--boottime', '100000', '--fork'], all), [
    'unknown',
    'unknown',
    'unknown',
  ])
  // With hidepid=2 others' processes are not in /proc at all; root without CAP_SYS_PTRACE is exempt only by group.
  const hidden =
    'mount -t proc -o hidepid=2,gid=54321 none /proc && exec setpriv --bounding-set=-sys_ptrace "$@"'
  const stranger = spawn('setpriv', ['--reuid=65534', '--clear-groups', 'sleep', '1000'])
  t.after(() => stranger.kill('SIGKILL'))
  const ofStranger = processIdentity(stranger.pid!)!
  assert.deepEqual(
    statesBy(['unshare', '--mount', 'sh', '-c', hidden, 'sh'], [ofStranger, ended]),
    ['unknown', 'dead'],
  )
})
