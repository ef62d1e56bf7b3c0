/** `minderbinder serve`: processes that nobody launched inject network faults into themselves. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { networkByScope, networkUntilLifted, outlived } from '../helpers/client-faults.ts'
import { loadedPrograms } from '../helpers/loaded-programs.ts'
import { requires } from '../helpers/requires.ts'
import { runServed, startServe } from '../helpers/serve.ts'
import { until } from '../helpers/until.ts'

const drop = '--drop-net 100%,to=127.0.0.9'
const refuse = '--refuse-net 100%,to=127.0.0.9'

test('packets are lost and connections refused until the fault is lifted, for the client and what it starts', async (t) => {
  if (!requires(t, 'root', 'linux:6.1', 'python3')) return
  const served = await startServe(t)
  const { program, said } = networkUntilLifted
  assert.deepEqual(await runServed(served, program), said)
})

test('a scope narrows that to the process, or to what it starts from now on; a thread is refused', async (t) => {
  if (!requires(t, 'root', 'linux:6.1', 'python3')) return
  const served = await startServe(t)
  const program = `${networkByScope.program}
say(c.hello["scopes"])
for each in ("${drop}", "${refuse}"):
    answer = c.ask(type="inject", faults=[each], scope="thread", tid=threading.get_native_id())
    say([answer["code"], "not to one of its threads" in answer["message"]])
`
  assert.deepEqual(await runServed(served, program), [
    ...networkByScope.said,
    ['tree', 'process', 'children'],
    ['MB_NO_ENGINE', true],
    ['MB_NO_ENGINE', true],
  ])
})

test('a client hits processes of its own user alone, even below itself; root hits any', async (t) => {
  if (!requires(t, 'root', 'linux:6.1', 'python3')) return
  const served = await startServe(t, ['--group', 'nogroup'])
  // Below this process is one of root, and another of nobody, which it starts as root and then becomes itself.
  const program = (uid: number) => `
import grp
os.setgid(grp.getgrnam("nogroup").gr_gid); os.setgroups([])
of_root = Other()
of_nobody = Other("os.setresuid(65534, 65534, 65534); below = Other()")
say(of_nobody.ask("os.getuid()"))
os.setresuid(${uid}, ${uid}, ${uid})
def look(): return [sends(), of_root.ask("sends()"), of_nobody.ask("sends()"), of_nobody.ask("below.ask('sends()')"), Other().ask("sends()")]
say(look())
c = Client()
c.inject("${drop}")
say(look())
c.lift()
say(look())
`
  const [ok, lost] = ['ok', 'lost']
  const none = [ok, ok, ok, ok, ok]
  assert.deepEqual(await runServed(served, program(65534)), [
    65534,
    none,
    [lost, ok, lost, lost, lost],
    none,
  ])
  assert.deepEqual(await runServed(served, program(0)), [
    65534,
    none,
    [lost, lost, lost, lost, lost],
    none,
  ])
})

test('a process that inherits the connection keeps the faults in force, and can inject none', async (t) => {
  if (!requires(t, 'root', 'linux:6.1', 'python3')) return
  const served = await startServe(t)
  const { program, said } = outlived('Client()')
  assert.deepEqual(await runServed(served, program), said)
})

test('once no client is there, nothing stays attached; the next one finds everything as the first one did', async (t) => {
  if (!requires(t, 'root', 'linux:6.1', 'python3')) return
  const served = await startServe(t)
  const program = `
c = Client(); rules = c.inject("${drop}")
say([rules, sends()])
`
  const attached = () => loadedPrograms(served.running.pid).length
  assert.equal(attached(), 0)
  assert.deepEqual(await runServed(served, program), [[[0], 'lost']])
  assert.notEqual(attached(), 0)
  await until(() => attached() === 0, { what: 'the programs gone', bound: 30_000 })
  assert.deepEqual(await runServed(served, program), [[[0], 'lost']])
})

test('many clients at once have their own faults each, and a limit on all of them together', async (t) => {
  if (!requires(t, 'root', 'linux:6.1', 'python3')) return
  const served = await startServe(t)
  const program = `
clients = [Other("c = Client()") for _ in range(50)]
for at, each in enumerate(clients):
    each.process.stdin.write(f"c.inject('--drop-net 100%,to=127.0.1.{at}')\\n"); each.process.stdin.flush()
for each in clients: each.process.stdout.readline()
say([each.ask(f"[sends(to='127.0.1.{at}'), sends(to='127.0.1.{(at + 1) % 50}')]") for at, each in enumerate(clients)] == [["lost", "ok"]] * 50)
c = Client()
answer = c.ask(type="inject", faults=["${drop}"] * 207)
say([answer["code"], "at most 256 together" in answer["message"]])
say(sends())
say(len(c.inject(*["${drop}"] * 206)))
clients[0].ask("c.lift()")
say(len(c.inject("${drop}")))
`
  assert.deepEqual(await runServed(served, program), [true, ['MB_CONTROL', true], 'ok', 206, 1])
})
