/** The target's cgroup: survivors go home, nested cgroups go away, what is killed is dead. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import test, { type TestContext } from 'node:test'
import {
  type ChildCgroup,
  createCgroup,
  destroyCgroup,
  releaseCgroup,
  sweepCgroups,
} from '../../src/kernel/cgroup.ts'
import { ownCgroup } from '../../src/kernel/cgroup-place.ts'
import { processIdentity } from '../../src/kernel/process-identity.ts'
import { requires } from '../helpers/requires.ts'

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
  const { pidNamespace, pid, startTime } = self()
  assert.match(
    basename(cgroup.path),
    new RegExp(`^minderbinder-${pidNamespace}-${pid}-${startTime}-`),
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

test('sweep: destroys what the dead left, and leaves the living and other namespaces alone', async (t) => {
  if (!requires(t, ...needs)) return
  const alive = createCgroup(self())
  const dead = createCgroup({ ...self(), startTime: '1' })
  const foreign = createCgroup({ ...self(), pidNamespace: '1', startTime: '1' })
  t.after(() => Promise.all([alive, foreign].map(({ path }) => destroyCgroup(path))))
  const child = member(t, dead.path)
  const ended = once(child, 'exit')
  await sweepCgroups()
  assert.deepEqual(
    [alive, dead, foreign].map(({ path }) => existsSync(path)),
    [true, false, true],
  )
  assert.deepEqual(await ended, [null, 'SIGKILL'])
})
