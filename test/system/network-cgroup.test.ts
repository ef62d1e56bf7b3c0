/** --drop-net dir=in and --refuse-net: the programs on the target's cgroup. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import test from 'node:test'
import {
  connectTcp,
  type Family,
  firing,
  freshCgroup,
  listenTcp,
  loopback,
  numbers,
  openSession,
  python,
  Receiver,
  range,
  sendDatagrams,
  startPython,
  type Where,
} from '../helpers/network-target.ts'
import { requires } from '../helpers/requires.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'

const needs = ['root', 'cgroup2', 'libbpf', 'python3', 'ipv6'] as const
const families: readonly Family[] = [4, 6]

/** Prints its port; then, when told to, the numbers that have come. */
const receive = `
family, host = arguments
s = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_DGRAM)
s.bind((host, 0))
print(s.getsockname()[1], flush=True)
sys.stdin.readline()
s.setblocking(False)
numbers = []
try:
    while True: numbers.append(struct.unpack('!I', s.recv(4))[0])
except BlockingIOError: print(json.dumps(numbers))
`

/** Starts a receiver, sends it datagrams from outside, and gives which came. */
async function receiveIn(where: Where, family: Family, count: number): Promise<number[]> {
  const host = loopback[family]
  const child = startPython(where, receive, family, host)
  const [port] = await once(child.stdout!, 'data')
  // Loopback delivers within sendto(2), so that all have come, or have been lost, by the end.
  await python({}, sendDatagrams, family, host, Number(port), count)
  child.stdin!.write('\n')
  const [numbers] = await once(child.stdout!, 'data')
  await once(child, 'close')
  return JSON.parse(String(numbers)) as number[]
}

for (const family of families) {
  test(`dir=in loses what comes in over IPv${family}, and only in the target`, async (t) => {
    if (!requires(t, ...needs)) return
    const session = await openSession(t, ['drop-net 100%,dir=in,proto=udp'])
    assert.deepEqual(await receiveIn(session, family, 5), [])
    assert.deepEqual(await receiveIn({}, family, 5), range(1, 5))
    assert.deepEqual(numbers((await session.counts())[0]), [5, 5, 5])
    await session.close()
    assert.deepEqual(await receiveIn(session, family, 5), range(1, 5))
    assert.equal(session.events.length, 5)
    assert.equal(session.events[0]?.traffic?.direction, 'in')
    assert.match(session.events[0]?.traffic?.remote ?? '', family === 4 ? /^127/ : /^\[::1\]/)
  })

  test(`dir=in at 0% loses nothing over IPv${family}`, async (t) => {
    if (!requires(t, ...needs)) return
    const session = await openSession(t, ['drop-net 0%,dir=in'])
    assert.deepEqual(await receiveIn(session, family, 5), range(1, 5))
    assert.deepEqual(numbers((await session.counts())[0]), [5, 5, 0])
  })

  test(`dir=in: the answer to a TCP connect over IPv${family} never comes`, async (t) => {
    if (!requires(t, ...needs)) return
    const port = await listenTcp(t, family)
    const session = await openSession(t, [`drop-net 100%,dir=in,port=${port}`])
    assert.equal(await python(session, connectTcp, family, loopback[family], port), 'timeout')
    assert.equal(await python({}, connectTcp, family, loopback[family], port), 'ok')
  })
}

test('dir=in at 50% loses exactly what the seed says', async (t) => {
  if (!requires(t, ...needs)) return
  const session = await openSession(t, ['drop-net 50%,dir=in'], { seed: 99n })
  const lost = firing(99n, 0, 50, 100)
  assert.ok(lost.length > 25 && lost.length < 75)
  assert.deepEqual(
    await receiveIn(session, 4, 100),
    range(1, 100).filter((n) => !lost.includes(n)),
  )
})

test('dir=in and dir=out do not see each other’s packets', async (t) => {
  if (!requires(t, ...needs)) return
  const receiver = await Receiver.open(t)
  const inward = await openSession(t, ['drop-net 100%,dir=in'])
  assert.equal(await python(inward, sendDatagrams, 4, loopback[4], receiver.port, 2), 2)
  assert.deepEqual(await receiver.received(), [1, 2])
  const outward = await openSession(t, ['drop-net 100%'])
  assert.deepEqual(await receiveIn(outward, 4, 2), [1, 2])
})

/** connect() as told, without blocking: 'ok', EINPROGRESS or what it failed with at once. */
const connect = `
family, kind, protocol, host, port = arguments
s = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET,
                  socket.SOCK_STREAM if kind == 'stream' else socket.SOCK_DGRAM, protocol)
s.setblocking(False)
try:
    s.connect((host, port)); print('"ok"')
except OSError as error: print(json.dumps(name(error)))
`

const mapped = '::ffff:127.0.0.1'

/** Faults, then connect() by: family, kind, host; and whether it is refused. */
const refusals: readonly [string, Family, 'stream' | 'dgram', string, boolean][] = [
  ['refuse-net 100%', 4, 'stream', loopback[4], true],
  ['refuse-net 100%', 6, 'stream', loopback[6], true],
  ['refuse-net 100%', 6, 'stream', mapped, true],
  ['refuse-net 100%', 4, 'dgram', loopback[4], false],
  ['refuse-net 100%,proto=udp', 6, 'dgram', loopback[6], true],
  ['refuse-net 0%', 4, 'stream', loopback[4], false],
  ['refuse-net 0%', 6, 'stream', loopback[6], false],
  ['refuse-net 100%,proto=tcp', 4, 'stream', loopback[4], true],
  ['refuse-net 100%,proto=tcp', 4, 'dgram', loopback[4], false],
  ['refuse-net 100%,proto=udp', 4, 'dgram', loopback[4], true],
  ['refuse-net 100%,proto=udp', 4, 'stream', loopback[4], false],
  ['refuse-net 100%,port=PORT', 4, 'stream', loopback[4], true],
  ['refuse-net 100%,port=PORT', 6, 'stream', loopback[6], true],
  ['refuse-net 100%,port=1', 4, 'stream', loopback[4], false],
  ['refuse-net 100%,to=127.0.0.0/8', 4, 'stream', loopback[4], true],
  ['refuse-net 100%,to=127.0.0.0/8', 6, 'stream', mapped, true],
  ['refuse-net 100%,to=127.0.0.0/8', 6, 'stream', loopback[6], false],
  ['refuse-net 100%,to=10.0.0.0/8', 4, 'stream', loopback[4], false],
  ['refuse-net 100%,to=::1', 6, 'stream', loopback[6], true],
  ['refuse-net 100%,to=::/0', 6, 'stream', mapped, false],
  ['refuse-net 100%,after=1000s', 4, 'stream', loopback[4], false],
]

for (const [fault, family, kind, host, refused] of refusals) {
  const verb = refused ? 'refuses' : 'lets through'
  test(`${fault} ${verb} connect() to ${host} (${kind}, AF_INET${family})`, async (t) => {
    if (!requires(t, ...needs)) return
    const listening = await listenTcp(t, host === loopback[6] ? 6 : 4)
    const session = await openSession(t, [fault.replace('PORT', String(listening))])
    const args = [family, kind, 0, host, listening]
    const through = kind === 'dgram' ? 'ok' : 'EINPROGRESS'
    assert.equal(await python(session, connect, ...args), refused ? 'ECONNREFUSED' : through)
    assert.equal(await python({}, connect, ...args), through)
    await session.close()
    assert.equal(await python(session, connect, ...args), through)
    assert.equal(session.events.length, refused ? 1 : 0)
  })
}

test('MPTCP counts as tcp, once', async (t) => {
  if (!requires(t, ...needs)) return
  const port = await listenTcp(t)
  const session = await openSession(t, ['refuse-net 100%,proto=tcp'])
  const args = [4, 'stream', 262, loopback[4], port] // IPPROTO_MPTCP
  const supported = await python({}, connect, ...args).catch(() => undefined)
  if (supported === undefined) return t.skip('this kernel has no MPTCP')
  assert.equal(await python(session, connect, ...args), 'ECONNREFUSED')
  assert.deepEqual(numbers((await session.counts())[0]), [1, 1, 1])
})

test('when= and times= count connect() calls; the event says who called', async (t) => {
  if (!requires(t, ...needs)) return
  const port = await listenTcp(t)
  const session = await openSession(t, ['refuse-net 100%,when=2+,times=2'])
  const results: unknown[] = []
  for (let i = 0; i < 5; i++) results.push(await python(session, connectTcp, 4, loopback[4], port))
  assert.deepEqual(results, ['ok', 'ECONNREFUSED', 'ECONNREFUSED', 'ok', 'ok'])
  assert.deepEqual(numbers((await session.counts())[0]), [5, 5, 2])
  await session.close()
  const { comm, pid, tid, n, traffic } = session.events[0]!
  assert.equal(comm, 'python3')
  assert.ok(pid > 0 && pid === tid)
  assert.equal(n, 2n)
  const remote = `127.0.0.1:${port}`
  assert.deepEqual(traffic, { protocol: 6, direction: 'out', remote, ifindex: 0 })
})

test('all three kinds of network fault at once, each in its place', async (t) => {
  if (!requires(t, ...needs)) return
  const port = await listenTcp(t)
  const receiver = await Receiver.open(t)
  const session = await openSession(t, [
    'drop-net 100%,dir=in,proto=udp',
    'refuse-net 100%,proto=tcp',
    'drop-net 100%,proto=udp,when=2',
  ])
  assert.equal(await python(session, connectTcp, 4, loopback[4], port), 'ECONNREFUSED')
  await python(session, sendDatagrams, 4, loopback[4], receiver.port, 3)
  assert.deepEqual(await receiver.received(), [1, 3])
  assert.deepEqual(await receiveIn(session, 4, 4), [])
  const counts = (await session.counts()).map(numbers)
  assert.deepEqual(counts, [
    [4, 4, 4],
    [1, 1, 1],
    [3, 3, 1],
  ])
})

test('nothing is left on the cgroup after close', async (t) => {
  if (!requires(t, ...needs)) return
  const cgroup = freshCgroup(t)
  const before = systemState()
  const session = await openSession(t, ['drop-net 100%,dir=in', 'refuse-net 100%'], { cgroup })
  assert.notDeepEqual(systemState(), before)
  await session.close()
  await nothingLeft(before)
})
