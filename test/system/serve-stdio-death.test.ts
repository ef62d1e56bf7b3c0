/** SIGKILL for `serve --stdio`, or for the process that has started it, at any moment. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { linesOf, saidBy } from '../helpers/control.ts'
import { die } from '../helpers/deaths.ts'
import { alive, descendants, killed, program } from '../helpers/processes.ts'
import { requires } from '../helpers/requires.ts'
import { type RunOptions, runMinderbinder, start } from '../helpers/run.ts'
import { startParent } from '../helpers/stdio.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { until } from '../helpers/until.ts'

const needs = ['root', 'linux:6.1', 'libbpf', 'cgroup2', 'python3'] as const
const faults = '"--drop-net 100%,to=127.0.0.9", "--refuse-net 100%,to=127.0.0.9"'

/** What it has started goes on, and tells when its packets arrive. */
const dying = (pair: boolean) => `
below = subprocess.Popen(program("""
sys.stdin.read()
while sends() != "ok" or connects() != "ok": pass
say("it goes on")
"""), stdin=subprocess.PIPE)
say("ready")
c = Parent(pair=${pair ? 'True' : 'False'})
while True:
    c.inject(${faults})
    assert sends() == "lost" and connects() == "ECONNREFUSED"
    say("hit")
    c.lift()
`

/** The launcher becomes node, so it is killed as well as node, depending on the moment. */
const serveOf = (pid: number) =>
  descendants(pid).find((each) => /launcher|\/node$/.test(program(each)))

test('40 deaths of the parent at random moments: what it has started goes on', {
  timeout: 240_000,
}, async (t) => {
  if (!requires(t, ...needs)) return
  const before = systemState()
  await die({ count: 40, seed: 7, longest: 250 }, async ({ number, moment }) => {
    const parent = startParent(dying(number % 3 === 0))
    await until(() => parent.stdout().includes(number % 2 === 0 ? 'hit' : 'ready'), {
      what: 'the parent',
    })
    await moment()
    const serve = serveOf(parent.pid)
    parent.child.kill('SIGKILL')
    const { signal, stdout } = await parent.result
    assert.equal(signal, 'SIGKILL')
    assert.deepEqual(
      linesOf(stdout).filter((each) => each !== 'hit'),
      ['ready', 'it goes on'],
    )
    if (serve !== undefined) await until(() => !alive(serve), { what: 'the end of serve' })
  })
  // Sweeps the directories of sockets of which all owners are dead.
  assert.equal((await runMinderbinder(['exec', '--control', '-q', '--', 'true'])).status, 0)
  await nothingLeft(before)
})

/** Until its serve is killed; then it starts another. */
const surviving = (pair: string) => `
def until_killed():
    c = Parent(pair=${pair}, greet=False)
    try:
        answer = c.ask(type="hello", version=1)
        while answer is not None:
            answer = c.ask(type="inject", faults=[${faults}])
            if (sends(), connects()) == ("lost", "ECONNREFUSED"): say("hit")
            if answer is not None: answer = c.ask(type="lift")
    except ConnectionError: pass
    return c.serve.wait()
say("ready")
say(until_killed())
while sends() != "ok" or connects() != "ok": pass
c = Parent(pair=${pair})
c.inject(${faults})
say([sends(), connects(), len(c.lift()), c.end()])
`

test('40 deaths of serve at random moments: its parent goes on, and starts another', {
  timeout: 240_000,
}, async (t) => {
  if (!requires(t, ...needs)) return
  const before = systemState()
  await die({ count: 40, seed: 8, longest: 250 }, async ({ number, moment }) => {
    const parent = startParent(surviving(number % 3 === 0 ? 'True' : 'False'))
    await until(() => parent.stdout().includes(number % 2 === 0 ? 'hit' : 'ready'), {
      what: 'the parent',
    })
    await moment()
    const serve = await until(() => serveOf(parent.pid), { what: 'serve' })
    assert.ok(killed(serve))
    const said = saidBy(await parent.result).filter((each) => each !== 'hit')
    assert.deepEqual(said, ['ready', -9, ['lost', 'ECONNREFUSED', 2, [[], 0]]])
  })
  assert.equal((await runMinderbinder(['exec', '--control', '-q', '--', 'true'])).status, 0)
  await nothingLeft(before)
})

const ownServe = join(import.meta.dirname, '../helpers/own-serve-program.js')
const bare = { env: { MINDERBINDER_CONTROL: undefined }, timeout: 60_000 } satisfies RunOptions

test('30 deaths of the serve of minderbinder/testing at random moments: later blocks have another', {
  timeout: 240_000,
}, async (t) => {
  if (!requires(t, ...needs)) return
  const before = systemState()
  await die({ count: 30, seed: 9, longest: 250 }, async ({ number, moment }) => {
    const tests = start([process.execPath, ownServe, 'killedAtRandom'], bare)
    await until(() => tests.stdout().includes(number % 2 === 0 ? 'hit' : 'ready'), {
      what: 'the block',
    })
    await moment()
    const serve = await until(() => serveOf(tests.pid), { what: 'serve' })
    assert.ok(killed(serve))
    const { status, stdout, stderr } = await tests.result
    assert.deepEqual([status, stdout.replaceAll('hit\n', '')], [0, 'ready\n'], stderr)
  })
  assert.equal((await runMinderbinder(['exec', '--control', '-q', '--', 'true'])).status, 0)
  await nothingLeft(before)
})
