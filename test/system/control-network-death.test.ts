/** SIGKILL for a process of `exec --control`, or for its client, while clients have network faults. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { processIds } from '../../src/targets/process-info.ts'
import { linesOf, startClient } from '../helpers/control.ts'
import { die } from '../helpers/deaths.ts'
import { alive, descendants, killed, ourProcesses } from '../helpers/processes.ts'
import { requires } from '../helpers/requires.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { until } from '../helpers/until.ts'

const faults = '"--drop-net 100%,to=127.0.0.9", "--refuse-net 100%,to=127.0.0.9"'
/** In the command line of each program. */
const mark = `# ${process.pid}`

const injecting = `${mark}
say("ready")
c = Client()
while True:
    c.inject(${faults})
    assert sends() == "lost" and connects() == "ECONNREFUSED"
    c.lift()
`

/** What the client has started goes on, and tells when its packets arrive. */
const dying = `${mark}
below = subprocess.Popen(program("""${mark}
sys.stdin.read()
while sends() != "ok" or connects() != "ok": pass
say("it goes on")
"""), stdin=subprocess.PIPE)
${injecting}`

const command = `${mark}
client = subprocess.Popen(program(os.environ["DYING"]), stdout=subprocess.PIPE, text=True)
say(client.pid)
for line in client.stdout: print(line, end="", flush=True)
say([client.wait(), sends(), connects()])
`

function programs(): number[] {
  return processIds().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${mark}\n`)
    } catch {
      return false
    }
  })
}

const start = () => startClient(command, { env: { DYING: dying }, timeout: 60_000 })

test('40 deaths of a client at random moments: the command goes on', {
  timeout: 240_000,
}, async (t) => {
  if (!requires(t, 'root', 'linux:6.1', 'python3')) return
  const before = systemState()
  await die({ count: 40, seed: 3, longest: 250 }, async ({ moment }) => {
    const running = start()
    const said = () => linesOf(running.stdout())
    await until(() => said().includes('ready'), { what: 'the client' })
    const [client] = said()
    await moment()
    assert.ok(killed(Number(client)))
    const { status, stdout, stderr } = await running.result
    assert.deepEqual(
      [status, linesOf(stdout)],
      [0, [client, 'ready', 'it goes on', [-9, 'ok', 'ok']]],
      stderr,
    )
  })
  await nothingLeft(before)
})

const victims = ['front', 'supervisor', 'node'] as const

for (const [at, who] of victims.entries())
  test(`40 deaths of the ${who} at random moments of its start and after it: the command ends`, {
    timeout: 240_000,
  }, async (t) => {
    if (!requires(t, 'root', 'linux:6.1', 'python3')) return
    const before = systemState()
    await die({ count: 40, seed: 4 + at, longest: 250 }, async ({ number, moment }) => {
      const running = start()
      if (number % 2 === 0)
        await until(() => running.stdout().includes('ready'), { what: 'a client' })
      await moment()
      const ours = () => ({ ...ourProcesses(running.pid), front: running.pid })
      const victim = await until(() => ours()[who], { what: `the ${who}` })
      const tree = descendants(running.pid)
      killed(victim)
      const { status, signal, stderr } = await running.result
      const ended = who === 'front' ? [null, 'SIGKILL'] : [125, null]
      assert.deepEqual([status, signal], ended, stderr)
      await until(() => !tree.some(alive), { what: 'the end of the tree' })
    })
    await until(() => programs().length === 0, { what: 'the end of all programs' })
    await nothingLeft(before)
  })
