/** Interfaces: interface=, those that come up later, stacked ones, and fragments, between two namespaces. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import test, { type TestContext } from 'node:test'
import { Namespace, Owner, openPair, type Pair } from '../helpers/network-namespace.ts'
import {
  freshCgroup,
  type Mechanism,
  mechanismNeeds,
  mechanisms,
  python,
  sendDatagrams,
  startPython,
} from '../helpers/network-target.ts'
import { requires } from '../helpers/requires.ts'
import { until } from '../helpers/until.ts'

const needs = ['root', 'cgroup2', 'libbpf', 'python3', 'netns', 'ip', 'unshare'] as const

/** A UDP server that answers each datagram, by its length, to where it came from. */
const answer = `
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('0.0.0.0', 7000))
print('ready', flush=True)
while True:
    data, address = s.recvfrom(65536)
    s.sendto(str(len(data)).encode(), address)
`

async function serve(t: TestContext, namespace: Namespace): Promise<void> {
  const server = startPython({ netnsOf: namespace.pid }, answer)
  t.after(() => server.kill())
  await once(server.stdout!, 'data')
}

/** Sends datagrams, full of what looks like the server's port, and says of each whether the answer came. */
const exchange = `
host, size, count = arguments
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(0.3)
data = struct.pack('!H', 7000) * (size // 2)
answers = []
for i in range(count):
    s.sendto(data, (host, 7000))
    try: answers.append(s.recv(10) == str(size).encode())
    except TimeoutError: answers.append(False)
print(json.dumps(answers))
`

function hasLinkType(namespace: Namespace, type: string): boolean {
  const more = { vlan: 'id 9', macvlan: 'mode bridge', vxlan: 'id 9 dstport 9' }[type] ?? ''
  const line = `ip link add link near0 name probe0 type ${type} ${more}`.trim()
  const [program, ...args] = namespace.inside(...line.split(' '))
  if (spawnSync(program!, args).status !== 0) return false
  namespace.run('ip link del probe0')
  return true
}

for (const mechanism of mechanisms) {
  test(`${mechanism}: interface= loses what goes out there and nothing elsewhere`, async (t) => {
    if (!requires(t, ...needs, ...mechanismNeeds[mechanism])) return
    const { near, far } = await openPair(t)
    await Promise.all([serve(t, near), serve(t, far)])
    const fault = 'drop-net 100%,interface=near0'
    const owner = await Owner.open(t, [fault], { namespace: near, mechanism })
    const target = { cgroup: owner.cgroup, netnsOf: near.pid }
    assert.deepEqual(await python(target, exchange, '198.18.0.2', 10, 1), [false])
    assert.deepEqual(await python(target, exchange, '127.0.0.1', 10, 1), [true])
    assert.deepEqual(await python({ netnsOf: near.pid }, exchange, '198.18.0.2', 10, 1), [true])
    await owner.close()
  })

  test(`${mechanism}: only the first fragment has a port, and without it the datagram is lost`, async (t) => {
    if (!requires(t, ...needs, ...mechanismNeeds[mechanism])) return
    const { near, far } = await openPair(t)
    await serve(t, far)
    const faults = ['drop-net 0%,proto=udp', 'drop-net 100%,port=7000,when=2']
    const owner = await Owner.open(t, faults, { namespace: near, mechanism })
    const target = { cgroup: owner.cgroup, netnsOf: near.pid }
    const answers = await python(target, exchange, '198.18.0.2', 4000, 3)
    assert.deepEqual(answers, [true, false, true])
    // Three fragments each, at an MTU of 1,500.
    assert.deepEqual(await owner.counts(), [
      [9, 9, 0],
      [9, 3, 1],
    ])
    await owner.close()
  })

  test(`${mechanism}: an interface that comes up later is under the faults`, async (t) => {
    if (!requires(t, ...needs, ...mechanismNeeds[mechanism])) return
    const near = await Namespace.open(t)
    const before = near.run('ip -br link')
    const owner = await Owner.open(t, ['drop-net 100%'], { namespace: near, mechanism })
    near.run('ip link add late0 type veth peer name late1')
    near.run('ip addr add 198.18.0.1/30 dev late0')
    near.run('ip link set late1 up')
    near.run('ip link set late0 up')
    near.run('ip neigh add 198.18.0.2 lladdr 02:00:00:00:00:01 dev late0')
    const target = { cgroup: owner.cgroup, netnsOf: near.pid }
    await until(
      async () => {
        await python(target, sendDatagrams, 4, '198.18.0.2', 9, 1)
        return (await owner.counts())[0]![2]! > 0
      },
      { what: 'a datagram lost on late0' },
    )
    near.run('ip link del late0')
    assert.equal(near.run('ip -br link'), before)
    await owner.close()
  })

  test(`${mechanism}: an interface that goes away before the faults are in force keeps no other from them`, async (t) => {
    if (!requires(t, ...needs, 'tc', ...mechanismNeeds[mechanism])) return
    const near = await Namespace.open(t)
    const before = near.run('ip -br link') + near.run('tc qdisc show dev lo')
    near.run('ip link add gone0 type veth peer name gone1')
    near.run('ip link set gone1 up')
    near.run('ip link set gone0 up')
    const faults = ['drop-net 100%,interface=gone0', 'drop-net 100%,proto=udp']
    const beforeReady = 'ip link del gone0'
    const owner = await Owner.open(t, faults, { namespace: near, mechanism, beforeReady })
    const target = { cgroup: owner.cgroup, netnsOf: near.pid }
    await python(target, sendDatagrams, 4, '127.0.0.1', 9, 1)
    await python({ netnsOf: near.pid }, sendDatagrams, 4, '127.0.0.1', 9, 1)
    assert.deepEqual(await owner.counts(), [
      [1, 0, 0],
      [1, 1, 1],
    ])
    await until(async () => (await owner.words()).notes.join() !== '', { what: 'a note of gone0' })
    const { notes } = await owner.words()
    assert.equal(notes.length, 1)
    assert.match(notes[0]!, /^interface gone0 went away once, and has not come back: /)
    await owner.close()
    assert.equal(near.run('ip -br link') + near.run('tc qdisc show dev lo'), before)
  })

  test(`${mechanism}: through a bridge and loopback a packet is decided once`, async (t) => {
    if (!requires(t, ...needs, ...mechanismNeeds[mechanism])) return
    const { near, far } = await openPair(t)
    if (!hasLinkType(near, 'bridge')) return t.skip('this kernel has no bridge devices')
    near.run('ip addr flush dev near0')
    near.run('ip link add bridge0 type bridge')
    near.run('ip link set near0 master bridge0')
    near.run('ip addr add 198.18.0.1/30 dev bridge0')
    near.run('ip link set bridge0 up')
    await decidedOnce(t, { near, far }, mechanism, ['198.18.0.2', '127.0.0.1'])
  })

  test(`${mechanism}: through a VLAN a packet is decided once`, async (t) => {
    if (!requires(t, ...needs, ...mechanismNeeds[mechanism])) return
    const { near, far } = await openPair(t)
    if (!hasLinkType(near, 'vlan')) return t.skip('this kernel has no VLAN devices')
    for (const [side, name, address] of [
      [near, 'near0', '198.18.1.1/30'],
      [far, 'far0', '198.18.1.2/30'],
    ] as const) {
      side.run(`ip link add link ${name} name vlan0 type vlan id 5`)
      side.run(`ip addr add ${address} dev vlan0`)
      side.run('ip link set vlan0 up')
    }
    await decidedOnce(t, { near, far }, mechanism, ['198.18.1.2', '198.18.0.2'])
  })

  test(`${mechanism}: through a macvlan a packet is decided once, and at an interface that a rule names`, async (t) => {
    if (!requires(t, ...needs, ...mechanismNeeds[mechanism])) return
    const { near, far } = await openPair(t)
    if (!hasLinkType(near, 'macvlan')) return t.skip('this kernel has no macvlan devices')
    near.run('ip link add link near0 name mac0 type macvlan mode bridge')
    near.run('ip addr add 198.18.1.1/30 dev mac0')
    near.run('ip link set mac0 up')
    far.run('ip addr add 198.18.1.2/30 dev far0')
    await decidedOnce(t, { near, far }, mechanism, ['198.18.1.2', '198.18.0.2'])
    // Both kinds of rule at once, two owners at once: each decides once, whatever the other has done.
    const faults = ['drop-net 0%,proto=udp', 'drop-net 100%,proto=udp,interface=near0']
    const [one, other] = [
      await Owner.open(t, ['drop-net 0%,proto=udp'], { namespace: near, mechanism }),
      await Owner.open(t, faults, { namespace: near, mechanism }),
    ]
    const answers = (owner: Owner, host: string) =>
      python({ cgroup: owner.cgroup, netnsOf: near.pid }, exchange, host, 10, 2)
    assert.deepEqual(await answers(one, '198.18.1.2'), [true, true])
    assert.deepEqual(await one.counts(), [[2, 2, 0]])
    assert.deepEqual(await answers(other, '198.18.1.2'), [false, false])
    const [[, first], [, ...second]] = (await other.counts()) as [number[], number[]]
    assert.deepEqual([first, second], [2, [2, 2]])
    await one.close()
    await other.close()
  })

  test(`${mechanism}: through a tunnel a packet is decided once`, async (t) => {
    if (!requires(t, ...needs, ...mechanismNeeds[mechanism])) return
    const { near, far } = await openPair(t)
    if (!hasLinkType(near, 'vxlan')) return t.skip('this kernel has no VXLAN devices')
    for (const [side, own, other] of [
      [near, 1, 2],
      [far, 2, 1],
    ] as const) {
      const device = side === near ? 'near0' : 'far0'
      side.run(
        `ip link add tunnel0 type vxlan id 5 dstport 4789 local 198.18.0.${own} remote 198.18.0.${other} dev ${device}`,
      )
      side.run(`ip addr add 198.18.1.${own}/30 dev tunnel0`)
      side.run('ip link set tunnel0 up')
    }
    await decidedOnce(t, { near, far }, mechanism, ['198.18.1.2', '198.18.0.2'])
  })

  test(`${mechanism}: at a port that a rule names, a bridge's packets are decided by that rule alone`, async (t) => {
    if (!requires(t, ...needs, ...mechanismNeeds[mechanism])) return
    const { near, far } = await openPair(t)
    if (!hasLinkType(near, 'bridge')) return t.skip('this kernel has no bridge devices')
    await serve(t, far)
    const faults = ['drop-net 0%,proto=udp', 'drop-net 100%,proto=udp,interface=near0,when=3']
    const owner = await Owner.open(t, faults, { namespace: near, mechanism })
    const target = { cgroup: owner.cgroup, netnsOf: near.pid }
    assert.deepEqual(await python(target, exchange, '198.18.0.2', 10, 2), [true, true])
    // It becomes a port while the rules are in force.
    near.run('ip addr flush dev near0')
    near.run('ip link add bridge0 type bridge')
    near.run('ip link set near0 master bridge0')
    near.run('ip addr add 198.18.0.1/30 dev bridge0')
    near.run('ip link set bridge0 up')
    await until(
      async () => {
        const before = (await owner.counts())[0]![1]!
        await python(target, exchange, '198.18.0.2', 10, 1)
        return (await owner.counts())[0]![1]! === before + 1
      },
      { what: 'packets decided once by the rule for all interfaces' },
    )
    const [, [, matched, fired]] = (await owner.counts()) as [number[], number[]]
    assert.ok(matched! >= 3 && fired === 1, `${matched} at the port, ${fired} lost there`)
    await owner.close()
  })
}

/** Sends datagrams to an address of several, which a socket of the same program listens at, and counts its copies. */
const toSeveral = `
destination, own = arguments
r = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
r.bind(('', 45454))
if destination.startswith('239'):
    r.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(destination) + socket.inet_aton(own))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(own))
r.settimeout(0.3)
copies = 0
for i in range(3):
    s.sendto(b'x', (destination, 45454))
    try: copies += len(r.recv(10))
    except TimeoutError: pass
print(json.dumps(copies))
`

test('copies of multicast and broadcast that the machine itself keeps are not lost, and that is told', async (t) => {
  if (!requires(t, ...needs)) return
  const { near } = await openPair(t)
  near.run('ip addr flush dev near0')
  near.run('ip addr add 198.18.0.1/30 brd 198.18.0.3 dev near0')
  for (const [destination, told] of [
    ['239.1.2.3', true],
    ['198.18.0.3', true],
    ['198.18.0.2', false],
  ] as const) {
    const owner = await Owner.open(t, ['drop-net 100%,proto=udp'], { namespace: near })
    near.run('ip neigh replace 198.18.0.2 lladdr 02:00:00:00:00:01 dev near0')
    const target = { cgroup: owner.cgroup, netnsOf: near.pid }
    assert.equal(await python(target, toSeveral, destination, '198.18.0.1'), told ? 3 : 0)
    assert.deepEqual(await owner.counts(), [[3, 3, 3]])
    const { notes } = await owner.words()
    const note = /^3 of the packets that were lost went to a multicast or broadcast address/
    assert.deepEqual(
      notes.map((each) => note.test(each)),
      told ? [true] : [],
      destination,
    )
    await owner.close()
  }
})

test('an interface that comes up later and cannot be attached to is said, tried again, and told', async (t) => {
  if (!requires(t, ...needs, 'tc')) return
  const near = await Namespace.open(t)
  const owner = await Owner.open(t, ['drop-net 100%'], { namespace: near, mechanism: 'clsact' })
  assert.deepEqual(await owner.words(), { notices: [], notes: [] })
  const target = { cgroup: owner.cgroup, netnsOf: near.pid }
  const lost = async (host: string) => {
    const before = (await owner.counts())[0]![2]!
    await python(target, sendDatagrams, 4, host, 9, 1)
    return (await owner.counts())[0]![2]! > before
  }
  for (const [name, address] of [
    ['late0', '198.18.0'],
    ['late2', '198.18.1'],
  ]) {
    near.run(`ip link add ${name} type veth peer name ${name}peer`)
    near.run(`ip addr add ${address}.1/30 dev ${name}`)
    // A clsact qdisc has no place beside it.
    near.run(`tc qdisc add dev ${name} ingress`)
    near.run(`ip link set ${name}peer up`)
    near.run(`ip link set ${name} up`)
    near.run(`ip neigh add ${address}.2 lladdr 02:00:00:00:00:01 dev ${name}`)
  }
  const said = async (pattern: RegExp) =>
    (await owner.words()).notices.some((each) => pattern.test(each))
  await until(() => said(/^interface late2 came up, but no packet is lost there yet: .*late2: E/), {
    what: 'a notice of late2',
  })
  assert.ok(await said(/^interface late0 came up, but/))
  assert.equal(await lost('198.18.0.2'), false)
  // Others are not kept from it.
  assert.equal(await lost('127.0.0.1'), true)
  near.run('tc qdisc del dev late0 ingress')
  await until(() => said(/^interface late0: attached now/), { what: 'another try at late0' })
  assert.equal(await lost('198.18.0.2'), true)
  assert.equal(await lost('198.18.1.2'), false)
  const { notes } = await owner.words()
  assert.equal(notes.length, 2)
  assert.match(
    notes[0]!,
    /^interface late0 came up, and attaching there failed .* before it worked/,
  )
  assert.match(notes[1]!, /^interface late2 .* failed .*: no packet was lost there: .*late2: E/)
  await owner.close()
})

async function decidedOnce(
  t: TestContext,
  { near, far }: Pair,
  mechanism: Mechanism,
  hosts: readonly string[],
): Promise<void> {
  await Promise.all([serve(t, near), serve(t, far)])
  const owner = await Owner.open(t, ['drop-net 0%,proto=udp'], { namespace: near, mechanism })
  const target = { cgroup: owner.cgroup, netnsOf: near.pid }
  let seen = 0
  for (const host of hosts) {
    assert.deepEqual(await python(target, exchange, host, 10, 3), [true, true, true], host)
    seen += 3
    assert.deepEqual(await owner.counts(), [[seen, seen, 0]], host)
  }
  await owner.close()
}

test('the level of the cgroup is found from inside a cgroup namespace too', async (t) => {
  if (!requires(t, ...needs)) return
  const near = await Namespace.open(t)
  await serve(t, near)
  const cgroupRoot = freshCgroup(t)
  const owner = await Owner.open(t, ['drop-net 100%'], { namespace: near, cgroupRoot })
  assert.equal(owner.cgroup.level, 1) // what can be seen from there
  const target = { cgroup: owner.cgroup, netnsOf: near.pid }
  assert.deepEqual(await python(target, exchange, '127.0.0.1', 10, 1), [false])
  await owner.close()
})
