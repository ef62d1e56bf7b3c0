/** What network faults leave behind when their owner is killed, and what they do to others' tc filters. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import test from 'node:test'
import { sweepCgroups } from '../../src/kernel/cgroup/cgroup.ts'
import { Namespace, Owner } from '../helpers/network-namespace.ts'
import { python } from '../helpers/network-target.ts'
import { requires } from '../helpers/requires.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'

const needs = ['root', 'cgroup2', 'libbpf', 'python3', 'netns', 'ip', 'tc', 'bpftool'] as const
const mechanism = 'clsact'

/** Another program's filter: any will do, loaded by tc itself. */
const object = new URL('../../bpf/network.bpf.o', import.meta.url).pathname
const foreign = `protocol all bpf direct-action object-file ${object} section tc`

/** Sends a datagram to a socket of its own: whether it came. */
const sendToSelf = `
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('127.0.0.1', 0))
s.sendto(b'x', s.getsockname())
s.setblocking(False)
try: s.recv(1); print('"arrived"')
except BlockingIOError: print('"lost"')
`

function filters(namespace: Namespace): string {
  return namespace.run('tc qdisc show dev lo') + namespace.run('tc filter show dev lo egress')
}

test('SIGKILL of the owner: tcx links go with it, the cgroup with the next start', async (t) => {
  if (!requires(t, ...needs, 'linux:6.6')) return
  await sweepCgroups()
  const before = systemState()
  const owner = await Owner.open(t, ['drop-net 100%'], { mechanism: 'tcx' })
  assert.ok([...systemState()].some((each) => !before.has(each) && each.startsWith('bpf link')))
  await owner.kill()
  await sweepCgroups()
  assert.ok(!existsSync(owner.cgroup.path))
  await nothingLeft(before)
})

test('the cgroup of a living owner is not swept', async (t) => {
  if (!requires(t, ...needs)) return
  const owner = await Owner.open(t, ['drop-net 100%'], {})
  await sweepCgroups()
  assert.ok(existsSync(owner.cgroup.path))
  await owner.close()
  assert.ok(!existsSync(owner.cgroup.path))
})

test('clsact: close takes away the filter and the qdisc', async (t) => {
  if (!requires(t, ...needs)) return
  const namespace = await Namespace.open(t)
  const before = filters(namespace)
  const owner = await Owner.open(t, ['drop-net 100%'], { namespace, mechanism })
  const target = { cgroup: owner.cgroup, netnsOf: namespace.pid }
  assert.equal(await python(target, sendToSelf), 'lost')
  assert.equal(await python({ netnsOf: namespace.pid }, sendToSelf), 'arrived')
  await owner.close()
  assert.equal(filters(namespace), before)
})

test('clsact: what a killed owner left is swept at the next start', async (t) => {
  if (!requires(t, ...needs)) return
  const namespace = await Namespace.open(t)
  const before = filters(namespace)
  const killed = await Owner.open(t, ['drop-net 100%'], { namespace, mechanism })
  await killed.kill()
  assert.match(filters(namespace), /clsact[\s\S]*minderbinder/)
  const next = await Owner.open(t, ['drop-net 0%'], { namespace, mechanism })
  assert.equal(filters(namespace).match(/minderbinder/g)?.length, 1)
  // The qdisc is still known to be ours.
  await next.close()
  assert.equal(filters(namespace), before)
  await sweepCgroups()
})

test('clsact: no user can hold the lock that changes are made under', async (t) => {
  if (!requires(t, ...needs, 'setpriv')) return
  const namespace = await Namespace.open(t)
  // What an ordinary user can do with the namespace: hold flock(2) on it, and try for the group of packet sockets.
  const program = `
import fcntl, socket, struct, time
fcntl.flock(open('/proc/self/ns/net'), fcntl.LOCK_EX)
try:
    socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0xb588).setsockopt(263, 18, struct.pack('HHI', 0x6d62, 0, 1))
    print('got the lock', flush=True)
except PermissionError: print('refused', flush=True)
time.sleep(1000)`
  const user = ['setpriv', '--reuid=65534', '--clear-groups', '/usr/bin/python3', '-c', program]
  const [command, ...args] = namespace.inside(...user)
  const holder = spawn(command!, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => holder.kill('SIGKILL'))
  assert.match(String((await once(holder.stdout, 'data'))[0]), /^refused/)
  const before = filters(namespace)
  const owner = await Owner.open(t, ['drop-net 100%'], { namespace, mechanism })
  const target = { cgroup: owner.cgroup, netnsOf: namespace.pid }
  assert.equal(await python(target, sendToSelf), 'lost')
  await owner.close()
  assert.equal(filters(namespace), before)
})

test('clsact: two owners on one interface, the first to come goes first', async (t) => {
  if (!requires(t, ...needs)) return
  const namespace = await Namespace.open(t)
  const before = filters(namespace)
  const open = () => Owner.open(t, ['drop-net 100%'], { namespace, mechanism })
  const owners = [await open(), await open()]
  for (const { cgroup } of owners)
    assert.equal(await python({ cgroup, netnsOf: namespace.pid }, sendToSelf), 'lost')
  await owners[0]!.close()
  const target = { cgroup: owners[1]!.cgroup, netnsOf: namespace.pid }
  assert.equal(await python(target, sendToSelf), 'lost')
  await owners[1]!.close()
  assert.equal(filters(namespace), before)
})

test('clsact: another’s qdisc and filter are left as they were', async (t) => {
  if (!requires(t, ...needs)) return
  const namespace = await Namespace.open(t)
  namespace.run('tc qdisc add dev lo clsact')
  const qdiscOnly = filters(namespace)
  const first = await Owner.open(t, ['drop-net 100%'], { namespace, mechanism })
  await first.close()
  assert.equal(filters(namespace), qdiscOnly)

  for (const pref of [1, 7]) namespace.run(`tc filter add dev lo egress pref ${pref} ${foreign}`)
  const before = filters(namespace)
  const owner = await Owner.open(t, ['drop-net 100%'], { namespace, mechanism })
  const target = { cgroup: owner.cgroup, netnsOf: namespace.pid }
  assert.equal(await python(target, sendToSelf), 'lost')
  await owner.close()
  assert.equal(filters(namespace), before)
})

test('clsact: a filter that another adds to our qdisc keeps it', async (t) => {
  if (!requires(t, ...needs)) return
  const namespace = await Namespace.open(t)
  const owner = await Owner.open(t, ['drop-net 100%'], { namespace, mechanism })
  namespace.run(`tc filter add dev lo ingress pref 7 ${foreign}`)
  await owner.close()
  assert.match(filters(namespace), /clsact/)
  assert.doesNotMatch(filters(namespace), /minderbinder/)
  assert.match(namespace.run('tc filter show dev lo ingress'), /pref 7/)
})

test('clsact: where another’s filter cannot be preceded, the run is refused and nothing stays', async (t) => {
  if (!requires(t, ...needs)) return
  const namespace = await Namespace.open(t)
  namespace.run('tc qdisc add dev lo clsact')
  namespace.run(`tc filter add dev lo egress pref 1 ${foreign.replace('all', 'ip')}`)
  const before = filters(namespace)
  const failure = await Owner.try(t, ['drop-net 100%'], { namespace, mechanism })
  assert.ok('code' in failure)
  assert.equal(failure.code, 'MB_ATTACH')
  assert.match(failure.message, /interface lo/)
  assert.equal(filters(namespace), before)
})
