/** `minderbinder run` while interfaces come and go, and targets in other network namespaces. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { type Client, programCalled, startClient, startRun } from '../helpers/machine-run.ts'
import { Namespace } from '../helpers/network-namespace.ts'
import { startPython } from '../helpers/network-target.ts'
import { parseReport } from '../helpers/report-schema.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, run } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { until } from '../helpers/until.ts'

const needs = ['root', 'cgroup2', 'libbpf', 'cc', 'python3', 'netns', 'ip', 'unshare'] as const
const port = 7000

/** A UDP server that sends each datagram back. */
const echo = `
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('0.0.0.0', 7000))
print('ready', flush=True)
while True: s.sendto(*s.recvfrom(65536))
`

interface Ends {
  readonly near: Namespace
  readonly far: Namespace
}

/** Two namespaces without a link, and the server in the second. */
async function openEnds(t: TestContext): Promise<Ends> {
  const [near, far] = await Promise.all([Namespace.open(t), Namespace.open(t)])
  const server = startPython({ netnsOf: far.pid }, echo)
  t.after(() => server.kill())
  await once(server.stdout!, 'data')
  return { near, far }
}

/** A link named `name`, with 198.18.`net`.1 here and .2 there. */
function link({ near, far }: Ends, name: string, net: number, more = ''): void {
  near.run(
    `ip link add ${name} ${more} type veth peer name ${name} netns ${far.pid}`.replace(/ +/g, ' '),
  )
  for (const [end, host] of [
    [far, 2],
    [near, 1],
  ] as const) {
    end.run(`ip addr add 198.18.${net}.${host}/30 dev ${name}`)
    end.run(`ip link set ${name} up`)
  }
}

function indexOf(namespace: Namespace, name: string): string {
  return /^(\d+):/.exec(namespace.run(`ip -o link show ${name}`))![1]!
}

/** Loses what mb-out sends, and what mb-in should get. */
function loses(more = ''): string {
  return `agents_of_chaos:
  outgoing_network:
    - {name: lose_out, proto: udp, targets: [{process_name: mb-out}]${more}}
  incoming_network:
    - {name: lose_in, proto: udp, targets: [{process_name: mb-in}]${more}}
`
}

/** A client of each name for the server's end of that link, which answers. */
async function clientsOf(t: TestContext, near: Namespace, net: number) {
  const address = `198.18.${net}.2`
  const by = (...command: string[]) => near.inside(...command)
  return {
    out: await startClient(t, { name: 'mb-out', port, address, by }),
    in: await startClient(t, { name: 'mb-in', port, address, by }),
    stranger: await startClient(t, { name: 'mb-stranger', port, address, by }),
  }
}

/** Both ends have found each other: until then what is sent waits, and may seem lost. */
async function isUp({ stranger }: Readonly<Record<'stranger', Client>>): Promise<void> {
  await until(async () => (await stranger.ask('udp')) === 'answered', { what: 'the link' })
}

async function answersOf(clients: Readonly<Record<string, Client>>) {
  const answers = Object.entries(clients).map(async ([name, client]) => [
    name,
    await client.ask('udp'),
  ])
  return Object.fromEntries(await Promise.all(answers))
}

const hit = { out: 'lost', in: 'lost', stranger: 'answered' }
const spared = { out: 'answered', in: 'answered', stranger: 'answered' }

for (const [how, more, args] of [
  ['interface:', ', interface: test0', []],
  ['--interface', '', ['--interface', 'test0']],
] as const) {
  test(`${how} an interface that is made again is found again, and one with its number is another`, async (t) => {
    if (!requires(t, ...needs)) return
    const ends = await openEnds(t)
    const { near } = ends
    link(ends, 'test0', 0)
    link(ends, 'other0', 1)
    const [clients, elsewhere] = [await clientsOf(t, near, 0), await clientsOf(t, near, 1)]
    await Promise.all([isUp(clients), isUp(elsewhere)])
    const inside = (...command: string[]) => near.inside(...command)
    const work = await startRun(t, loses(more), { args, inside })
    assert.deepEqual([await answersOf(clients), await answersOf(elsewhere)], [hit, spared])

    const number = indexOf(near, 'test0')
    near.run('ip link del test0')
    await until(() => /interface test0 disappeared, .*lose_out/.test(work.running.stderr()), {
      what: 'a word about it',
    })
    assert.match(work.running.stderr(), /interface test0 disappeared, .*lose_in/)
    link(ends, 'stranger0', 2, `index ${number}`)
    assert.equal(indexOf(near, 'stranger0'), number)
    const strangers = await clientsOf(t, near, 2)
    await isUp(strangers)
    assert.deepEqual(await answersOf(strangers), spared)
    assert.deepEqual(await answersOf(elsewhere), spared)

    link(ends, 'test0', 0)
    await isUp(clients)
    await until(async () => (await answersOf(clients)).out === 'lost', { what: 'test0 hit again' })
    assert.deepEqual([await answersOf(clients), await answersOf(elsewhere)], [hit, spared])
    const result = await work.end()
    assert.equal(result.status, 0, result.stderr)
    assert.match(
      result.stderr,
      /interface test0 is back with a new index, and its rules apply there: lose_out/,
    )
    assert.match(result.stderr, /interface test0 went away once: lose_in/)
    assert.deepEqual(await answersOf(clients), spared)
  })
}

test('an interface whose number another gets at once is told from it', async (t) => {
  if (!requires(t, ...needs)) return
  const ends = await openEnds(t)
  const { near } = ends
  link(ends, 'test0', 0)
  const clients = await clientsOf(t, near, 0)
  await isUp(clients)
  const work = await startRun(t, loses(), {
    inside: (...command: string[]) => near.inside(...command),
  })
  assert.deepEqual(await answersOf(clients), hit)
  const number = indexOf(near, 'test0')
  // Stopped, it sees neither of the two by itself.
  work.running.child.kill('SIGSTOP')
  near.run('ip link del test0')
  link(ends, 'test0', 0, `index ${number}`)
  work.running.child.kill('SIGCONT')
  await isUp(clients)
  await until(async () => (await answersOf(clients)).out === 'lost', { what: 'test0 hit again' })
  assert.deepEqual(await answersOf(clients), hit)
  assert.equal((await work.end()).status, 0)
})

test('without interface: one that appears later is under the rules', async (t) => {
  if (!requires(t, ...needs)) return
  const ends = await openEnds(t)
  const { near } = ends
  const inside = (...command: string[]) => near.inside(...command)
  const work = await startRun(t, loses(), { inside })
  const clients = await clientsOf(t, near, 0)
  link(ends, 'late0', 0)
  await isUp(clients)
  await until(async () => (await answersOf(clients)).out === 'lost', { what: 'late0 hit' })
  assert.deepEqual(await answersOf(clients), hit)
  assert.equal((await work.end()).status, 0)
  assert.deepEqual(await answersOf(clients), spared)
})

test('an interface that is not there at the start is an error that names those that are', async (t) => {
  if (!requires(t, ...needs)) return
  const near = await Namespace.open(t)
  near.run('ip link add test0 type veth peer name test1')
  const folder = scratch(t)
  const [file, report] = [join(folder, 'config.yaml'), join(folder, 'report')]
  writeFileSync(file, loses())
  for (const dryRun of [['--dry-run'], []]) {
    const command = [
      minderbinder,
      'run',
      ...dryRun,
      '--report',
      report,
      '--interface',
      'wwan9',
      file,
    ]
    const result = await run(near.inside(...command))
    assert.equal(result.status, 1, result.stderr)
    assert.match(result.stderr, /there is no network interface wwan9 here/)
    assert.match(result.stderr, /interface= takes one of lo.*, test0/)
    assert.equal(existsSync(report), dryRun.length === 0)
  }
  assert.equal(parseReport(readFileSync(report, 'utf8')).end.error.code, 'MB_INTERFACE')
})

test('targets in another network namespace, out of reach of what acts on interfaces: run says so, once', async (t) => {
  if (!requires(t, ...needs)) return
  const ends = await openEnds(t)
  const { near, far } = ends
  link(ends, 'test0', 0)
  const inside = (...command: string[]) => near.inside(...command)
  // From where interfaces have the same numbers, which mean others.
  const there = {
    address: '127.0.0.1',
    port,
    by: (...command: string[]) => far.inside(...command),
  }
  const before = await startClient(t, { name: 'mb-out', ...there })
  const file = join(scratch(t), 'config.yaml')
  const yaml = `${loses(', interface: lo')}    - {name: lose_all_in, proto: udp, targets: [{process_name: mb-deaf}]}\n`
  writeFileSync(file, yaml)
  const dry = await run(near.inside(minderbinder, 'run', '--dry-run', file))
  assert.match(
    dry.stdout,
    new RegExp(
      `^${before.pid} mb-out: lose_out \\(in another network namespace, out of reach of lose_out\\)$`,
      'm',
    ),
  )
  const work = await startRun(t, yaml, { inside })
  const clients = {
    before,
    out: await startClient(t, { name: 'mb-out', ...there }),
    in: await startClient(t, { name: 'mb-in', ...there }),
    stranger: await startClient(t, { name: 'mb-stranger', ...there }),
    deaf: await startClient(t, { name: 'mb-deaf', ...there }),
  }
  // A rule for the target's own socket needs no interface, and reaches it anywhere.
  assert.deepEqual(await answersOf(clients), { ...spared, before: 'answered', deaf: 'lost' })
  const said = (rule: string) =>
    work.running
      .stderr()
      .match(
        new RegExp(`mb-\\w+ \\d+ is in another network namespace, out of reach of ${rule}$`, 'gm'),
      )
  await until(() => said('lose_in'), { what: 'a word about mb-in' })
  const result = await work.end()
  assert.equal(result.status, 0, result.stderr)
  assert.equal(said('lose_out')?.length, 1, result.stderr)
  assert.equal(said('lose_in')?.length, 1, result.stderr)
  assert.doesNotMatch(result.stderr, /out of reach of lose_all_in|lose_all_in did not reach/)
  assert.match(
    result.stderr,
    /lose_out did not reach sockets that were made in another network namespace/,
  )
})

test('exec says it too, of a target that goes into a network namespace of its own', async (t) => {
  if (!requires(t, ...needs)) return
  const file = join(scratch(t), 'config.yaml')
  writeFileSync(file, loses())
  const program = programCalled(t, 'mb-out')
  const exec = (...command: string[]) =>
    run([minderbinder, 'exec', '--config', file, '--', ...command], { input: 'pid\n' })
  const client = [program, '127.0.0.1', `${port}`, '1']
  const note = /lose_out did not reach sockets that were made in another network namespace/
  assert.match((await exec('unshare', '--net', ...client)).stderr, note)
  assert.doesNotMatch((await exec(...client)).stderr, /did not reach/)
})
