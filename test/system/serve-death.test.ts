/** SIGKILL for `minderbinder serve` or a client of it, at any moment: packets arrive again, and nothing is left. */
import assert from 'node:assert/strict'
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { linesOf, saidBy } from '../helpers/control.ts'
import { die, LANES } from '../helpers/deaths.ts'
import { Namespace } from '../helpers/network-namespace.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, start } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { runServed, startServe, startServed } from '../helpers/serve.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { until } from '../helpers/until.ts'

const faults = '"--drop-net 100%,to=127.0.0.9", "--refuse-net 100%,to=127.0.0.9"'

/** Its answer to each line of its input is whether a packet of it arrives: it has no faults. */
const neighbour = 'for line in sys.stdin: say([sends(), connects()])'

/** What it has started goes on, and tells when its packets arrive. */
const dying = `
below = subprocess.Popen(program("""
sys.stdin.read()
while sends() != "ok" or connects() != "ok": pass
say("it goes on")
"""), stdin=subprocess.PIPE)
say("ready")
c = Client()
while True:
    c.inject(${faults})
    assert sends() == "lost" and connects() == "ECONNREFUSED"
    c.lift()
`

test('80 deaths of a client at random moments', { timeout: 240_000 }, async (t) => {
  if (!requires(t, 'root', 'linux:6.1', 'python3')) return
  const before = systemState()
  const served = await startServe(t)
  const other = startServed(served, neighbour)
  await die({ count: 80, seed: 1, longest: 200 }, async ({ moment }) => {
    const client = startServed(served, dying)
    await until(() => client.stdout().includes('ready'), { what: 'the client' })
    await moment()
    client.child.kill('SIGKILL')
    other.child.stdin!.write('look\n')
    const { signal, stdout, stderr } = await client.result
    assert.deepEqual([signal, stderr], ['SIGKILL', ''])
    assert.deepEqual(linesOf(stdout), ['ready', 'it goes on'])
  })
  other.child.stdin!.end()
  assert.deepEqual(saidBy(await other.result), Array(80).fill(['ok', 'ok']))
  // So many fit only when those of all that have died are gone.
  const many = `c = Client(); say(len(c.inject(*["--drop-net 100%,to=127.0.0.8"] * 256)))`
  assert.deepEqual(await runServed(served, many), [256])
  const { status, stderr } = await served.end()
  assert.deepEqual([status, stderr], [0, ''])
  await nothingLeft(before)
})

/** Tries until its input ends: there is no server yet, or it dies. */
const surviving = `
over = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), over.set())).start()
say("ready")
def serving():
    try:
        c = Client()
        while True:
            for request in (dict(type="inject", faults=[${faults}]), dict(type="lift")):
                answer = c.ask(**request)
                if answer is None: return
                assert answer["type"] in ("injected", "lifted"), answer
                if (sends(), connects()) == ("lost", "ECONNREFUSED") and "hit" not in said:
                    said.append("hit"); say("hit")
    except (ConnectionError, FileNotFoundError): return
said = []
while not over.wait(0.001): serving()
while sends() != "ok" or connects() != "ok": pass
say("it goes on")
`

/** Where there is no tcx, a filter stays until the next start; and a change of the qdisc loses packets of all there. */
const ways = [
  { title: 'by tcx', count: 50 },
  { title: 'by clsact', count: 25 },
] as const

for (const [at, { title, count }] of ways.entries())
  test(`${count} deaths of the server, at random moments of its start and after it: the next one takes its socket, ${title}`, {
    timeout: 240_000,
  }, async (t) => {
    if (!requires(t, 'root', 'linux:6.1', 'python3', 'netns')) return
    const before = systemState()
    const folder = scratch(t)
    const lanes = await Promise.all(
      Array.from({ length: LANES }, async (_, lane) => {
        const namespace = at === 0 ? undefined : await Namespace.open(t)
        const socket = join(folder, `${lane}`)
        const inside = namespace?.inside('env', 'MINDERBINDER_NO_FEATURE=tcx') ?? []
        return { socket, namespace, inside }
      }),
    )
    await die({ count, seed: 2 + at, longest: 300 }, async ({ number, lane, moment }) => {
      const { socket, inside } = lanes[lane]!
      const client = startServed({ socket }, surviving, inside)
      await until(() => client.stdout().includes('ready'), { what: 'the client' })
      const server = start([...inside, minderbinder, 'serve', '--socket', socket])
      try {
        if (number % 2 === 0)
          await until(() => client.stdout().includes('hit'), { what: 'a fault in force' })
        await moment()
      } finally {
        server.child.kill('SIGKILL')
      }
      const { signal, stderr } = await server.result
      assert.deepEqual([signal, stderr], ['SIGKILL', ''])
      client.child.stdin!.end()
      const said = saidBy(await client.result).filter((each) => each !== 'hit')
      assert.deepEqual(said, ['ready', 'it goes on'])
    })
    for (const { socket, namespace, inside } of lanes) {
      const next = await startServe(t, [], socket, inside)
      const look = `c = Client(); c.inject(${faults}); say([sends(), connects()])`
      assert.deepEqual(saidBy(await startServed(next, look, inside).result), [
        ['lost', 'ECONNREFUSED'],
      ])
      assert.equal((await next.end()).status, 0)
      assert.throws(() => lstatSync(socket), { code: 'ENOENT' })
      assert.doesNotMatch(namespace?.run('tc qdisc show dev lo') ?? '', /clsact/)
    }
    await nothingLeft(before)
  })
