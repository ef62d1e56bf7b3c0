/** --drop-net: packets of the target are lost silently on their way out, and no others. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { MinderbinderError } from '../../src/errors.ts'
import {
  connectTcp,
  type Family,
  firing,
  freshCgroup,
  listenTcp,
  loopback,
  mechanismNeeds,
  mechanisms,
  numbers,
  openSession,
  python,
  Receiver,
  range,
  sendDatagrams,
} from '../helpers/network-target.ts'
import { requires } from '../helpers/requires.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'

const needs = ['root', 'cgroup2', 'libbpf', 'python3', 'ipv6'] as const
const families: readonly Family[] = [4, 6]

for (const mechanism of mechanisms) {
  for (const family of families) {
    const host = loopback[family]

    test(`${mechanism}: 100% loses every IPv${family} datagram silently`, async (t) => {
      if (!requires(t, ...needs, ...mechanismNeeds[mechanism])) return
      const receiver = await Receiver.open(t, family)
      const fault = `drop-net 100%,port=${receiver.port}`
      const session = await openSession(t, [fault], { mechanism })
      const { cgroup } = session
      assert.equal(await python({ cgroup }, sendDatagrams, family, host, receiver.port, 20), 20)
      assert.deepEqual(await receiver.received(), [])
      assert.deepEqual(numbers((await session.counts())[0]), [20, 20, 20])
      // A sibling, and the target once the faults are lifted.
      await python({}, sendDatagrams, family, host, receiver.port, 3)
      assert.deepEqual(await receiver.received(), [1, 2, 3])
      await session.close()
      await python({ cgroup }, sendDatagrams, family, host, receiver.port, 2)
      assert.deepEqual(await receiver.received(), [1, 2])
      assert.deepEqual(numbers((await session.counts())[0]), [20, 20, 20])
      assert.equal(session.events.length, 20)
    })

    test(`${mechanism}: 0% loses nothing over IPv${family}`, async (t) => {
      if (!requires(t, ...needs, ...mechanismNeeds[mechanism])) return
      const receiver = await Receiver.open(t, family)
      const fault = `drop-net 0%,port=${receiver.port}`
      const session = await openSession(t, [fault], { mechanism })
      await python(session, sendDatagrams, family, host, receiver.port, 20)
      assert.deepEqual(await receiver.received(), range(1, 20))
      assert.deepEqual(numbers((await session.counts())[0]), [20, 20, 0])
      await session.close()
      assert.deepEqual(session.events, [])
    })

    test(`${mechanism}: TCP connect over IPv${family} times out`, async (t) => {
      if (!requires(t, ...needs, ...mechanismNeeds[mechanism])) return
      const port = await listenTcp(t, family)
      const session = await openSession(t, ['drop-net 100%,proto=tcp'], { mechanism })
      assert.equal(await python(session, connectTcp, family, host, port), 'timeout')
      assert.equal(await python({}, connectTcp, family, host, port), 'ok')
      await session.close()
      assert.equal(await python(session, connectTcp, family, host, port), 'ok')
    })
  }

  test(`${mechanism}: 50% loses exactly the datagrams that the seed says`, async (t) => {
    if (!requires(t, ...needs, ...mechanismNeeds[mechanism])) return
    const receiver = await Receiver.open(t)
    const seed = 20261123n
    const faults = ['drop-net 0%', `drop-net 50%,port=${receiver.port}`]
    const session = await openSession(t, faults, { mechanism, seed })
    await python(session, sendDatagrams, 4, loopback[4], receiver.port, 200)
    const lost = firing(seed, 1, 50, 200)
    assert.ok(lost.length > 60 && lost.length < 140)
    assert.deepEqual(
      await receiver.received(),
      range(1, 200).filter((n) => !lost.includes(n)),
    )
    const before = BigInt(Date.now()) * 1_000_000n
    await session.close()
    assert.deepEqual(
      session.events.map(({ n }) => Number(n)),
      lost,
    )
    const { rule, traffic, pid, timeNs } = session.events[0]!
    const remote = `127.0.0.1:${receiver.port}`
    assert.deepEqual(
      { rule, traffic, pid },
      { rule: 1, traffic: { protocol: 17, direction: 'out', remote, ifindex: 1 }, pid: 0 },
    )
    const age = before - timeNs
    assert.ok(age > -1_000_000_000n && age < 60_000_000_000n, `${timeNs} is wall-clock time`)
  })

  test(`${mechanism}: nothing is left after close, or where attaching fails`, async (t) => {
    if (!requires(t, ...needs, ...mechanismNeeds[mechanism])) return
    const cgroup = freshCgroup(t)
    const before = systemState()
    const session = await openSession(t, ['drop-net 100%'], { mechanism, cgroup })
    assert.notDeepEqual(systemState(), before)
    await session.close()
    await session.close()
    await nothingLeft(before)
    await assert.rejects(
      openSession(t, ['drop-net 100%,interface=loo'], { mechanism, cgroup }),
      (error: MinderbinderError) =>
        error.code === 'MB_INTERFACE' &&
        /no network interface loo /.test(error.message) &&
        /did you mean lo\?/.test(error.hint ?? ''),
    )
    await nothingLeft(before)
  })
}

test('rules count the packets that a rule before took from them', async (t) => {
  if (!requires(t, ...needs)) return
  const receiver = await Receiver.open(t)
  const session = await openSession(t, [
    'drop-net 0%',
    `drop-net 100%,port=${receiver.port},times=2`,
    'drop-net 100%,proto=udp,when=2',
    'drop-net 100%,proto=tcp',
    `drop-net 0%,port=${receiver.port}`,
  ])
  await python(session, sendDatagrams, 4, loopback[4], receiver.port, 5)
  assert.deepEqual(await receiver.received(), [3, 5])
  const counts = await session.counts()
  assert.deepEqual(counts.map(numbers), [
    [5, 5, 0],
    [5, 5, 2],
    [3, 3, 1],
    [2, 0, 0],
    [2, 2, 0],
  ])
  assert.deepEqual(
    counts.map(({ taken }) => Number(taken)),
    [0, 0, 2, 0, 3],
  )
})

/** Faults on a UDP port, how many datagrams are sent, and which are lost. */
const cases: readonly [faults: string[], count: number, lost: number[]][] = [
  [['drop-net 100%,port=PORT'], 3, [1, 2, 3]],
  [['drop-net 100%,port=1-9'], 3, []],
  [['drop-net 100%,port=PORT-65535'], 3, [1, 2, 3]],
  [['drop-net 100%,port=1-PORT'], 3, [1, 2, 3]],
  [['drop-net 100%,port=1+PORT+65535'], 3, [1, 2, 3]],
  [['drop-net 100%,port=1-9+11+13+15+17+19+21+PORT'], 3, [1, 2, 3]],
  [['drop-net 100%,port=1-9+11+13+15+17+19+21+23'], 3, []],
  [['drop-net 100%,to=::1+10.0.0.0/8+127.0.0.1'], 3, [1, 2, 3]],
  [['drop-net 100%,to=::1+10.0.0.0/8+127.0.0.2'], 3, []],
  [['drop-net 100%,to=::1+127.0.0.0/8,port=PORT+1'], 3, [1, 2, 3]],
  [['drop-net 100%,proto=udp'], 3, [1, 2, 3]],
  [['drop-net 100%,proto=tcp'], 3, []],
  [['drop-net 100%,proto=icmp'], 3, []],
  [['drop-net 100%,to=127.0.0.0/8'], 3, [1, 2, 3]],
  [['drop-net 100%,to=127.0.0.0/31'], 3, [1, 2, 3]],
  [['drop-net 100%,to=127.0.0.1'], 3, [1, 2, 3]],
  [['drop-net 100%,to=0.0.0.0/0'], 3, [1, 2, 3]],
  [['drop-net 100%,to=127.0.0.2/31'], 3, []],
  [['drop-net 100%,to=10.0.0.0/8'], 3, []],
  [['drop-net 100%,to=::/0'], 3, []],
  [['drop-net 100%,interface=lo'], 3, [1, 2, 3]],
  [['drop-net 100%,when=2'], 4, [2]],
  [['drop-net 100%,when=3+'], 5, [3, 4, 5]],
  [['drop-net 100%,when=2+2'], 6, [2, 4, 6]],
  [['drop-net 100%,when=2..5+2'], 7, [2, 4]],
  [['drop-net 100%,times=2'], 5, [1, 2]],
  [['drop-net 100%,when=2+,times=2'], 5, [2, 3]],
  [['drop-net 100%,after=1000s'], 3, []],
  [['drop-net 100%,after=1ns'], 3, [1, 2, 3]],
  // In order; the first that fires wins, and those after it do not count the packet.
  [['drop-net 100%,times=2', 'drop-net 100%,when=2'], 5, [1, 2, 4]],
  [['drop-net 100%,proto=tcp', 'drop-net 0%', 'drop-net 100%,when=1'], 3, [1]],
]

for (const [faults, count, lost] of cases) {
  test(`${faults.join(' ')} loses ${lost.join(', ') || 'nothing'} of ${count}`, async (t) => {
    if (!requires(t, ...needs)) return
    const receiver = await Receiver.open(t)
    const session = await openSession(
      t,
      faults.map((fault) => fault.replace('PORT', String(receiver.port))),
    )
    await python(session, sendDatagrams, 4, loopback[4], receiver.port, count)
    const arrived = range(1, count).filter((n) => !lost.includes(n))
    assert.deepEqual(await receiver.received(), arrived)
  })
}

const cases6: readonly [fault: string, lost: boolean][] = [
  ['drop-net 100%,to=::1', true],
  ['drop-net 100%,to=::/127', true],
  ['drop-net 100%,to=::/0', true],
  ['drop-net 100%,to=::2/127', false],
  ['drop-net 100%,to=8000::/1', false],
  ['drop-net 100%,to=0.0.0.0/0', false],
]

for (const [fault, lost] of cases6) {
  test(`${fault} ${lost ? 'loses' : 'does not lose'} what goes to ::1`, async (t) => {
    if (!requires(t, ...needs)) return
    const receiver = await Receiver.open(t, 6)
    const session = await openSession(t, [fault])
    await python(session, sendDatagrams, 6, loopback[6], receiver.port, 2)
    assert.deepEqual(await receiver.received(), lost ? [] : [1, 2])
  })
}

/** As sendDatagrams, with a destination options and a hop-by-hop options header before UDP. */
const sendWithExtensions = `
host, port, count = arguments
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
padding = bytes([0, 0, 1, 4, 0, 0, 0, 0])
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, padding)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, padding)
print(json.dumps(sum(s.sendto(struct.pack('!I', i + 1), (host, port)) for i in range(count))))
`

test('ports are found behind IPv6 extension headers', async (t) => {
  if (!requires(t, ...needs)) return
  const receiver = await Receiver.open(t, 6)
  const fault = `drop-net 100%,proto=udp,port=${receiver.port},when=2`
  const session = await openSession(t, [fault])
  await python(session, sendWithExtensions, loopback[6], receiver.port, 3)
  assert.deepEqual(await receiver.received(), [1, 3])
  assert.deepEqual(numbers((await session.counts())[0]), [3, 3, 1])
})

/** An echo request through a raw socket: 'ok' where the reply came. */
const ping = `
family, host = arguments
six = family == 6
s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_RAW, 58 if six else 1)
s.settimeout(0.3)
s.sendto(bytes([128 if six else 8, 0]) + (b'\\0\\0' if six else bytes([0xf7, 0xff])) + struct.pack('!HH', 0, 0), (host, 0))
try:
    while s.recv(100)[0 if six else 20] not in (0, 129): pass
    print('"ok"')
except OSError as error: print(json.dumps(name(error)))
`

for (const family of families) {
  test(`proto=icmp loses ICMP over IPv${family}`, async (t) => {
    if (!requires(t, ...needs)) return
    const session = await openSession(t, ['drop-net 100%,proto=icmp'])
    assert.equal(await python(session, ping, family, loopback[family]), 'timeout')
    assert.equal(await python({}, ping, family, loopback[family]), 'ok')
    const udp = await openSession(t, ['drop-net 100%,proto=udp'])
    assert.equal(await python(udp, ping, family, loopback[family]), 'ok')
  })
}

/** Moves itself to a new cgroup below its own, then sends. */
const nest = `
path = arguments.pop()
os.mkdir(path)
open(path + '/cgroup.procs', 'w').write('0')
`

test('a cgroup that the target makes for itself is under its faults', async (t) => {
  if (!requires(t, ...needs)) return
  const receiver = await Receiver.open(t)
  const session = await openSession(t, ['drop-net 100%'])
  const args = [4, loopback[4], receiver.port, 3, `${session.cgroup.path}/nested`]
  assert.equal(await python(session, nest + sendDatagrams, ...args), 3)
  assert.deepEqual(await receiver.received(), [])
})

for (const count of [1_000, 4_096])
  test(`many rules: the last of ${count} is reached`, async (t) => {
    if (!requires(t, ...needs)) return
    const receiver = await Receiver.open(t)
    const others = range(1, count - 1).map(() => 'drop-net 100%,port=1')
    const session = await openSession(t, [...others, `drop-net 100%,port=${receiver.port},when=2`])
    await python(session, sendDatagrams, 4, loopback[4], receiver.port, 3)
    assert.deepEqual(await receiver.received(), [1, 3])
    assert.deepEqual(numbers((await session.counts())[count - 1]), [3, 3, 1])
  })
