/** Network faults that clients of `exec --control` inject: what they hit, by which engine, and what stays as it is. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { networkByScope, networkUntilLifted } from '../helpers/client-faults.ts'
import { linesOf, runClient, startClient } from '../helpers/control.ts'
import { unprivileged } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'

const drop = '--drop-net 100%,to=127.0.0.9'
const refuse = '--refuse-net 100%,to=127.0.0.9'

test('packets are lost and connections refused until the fault is lifted, for the client and what it starts', async (t) => {
  if (!requires(t, 'root', 'linux:6.1', 'python3')) return
  const { program, said } = networkUntilLifted
  assert.deepEqual(await runClient(`\nouter = Client(greet=False)${program}`), said)
})

test('a scope narrows that to the process, or to what it starts from now on', async (t) => {
  if (!requires(t, 'root', 'linux:6.1', 'python3')) return
  const program = `${networkByScope.program}
# After an exec it is the same process, in the same scope.
r, w = os.pipe(); os.set_inheritable(c.socket.fileno(), True)
c.inject("${drop}", scope="children")
if os.fork() == 0:
    os.dup2(w, 1)
    os.execv(sys.executable, program("say([sends(), Other().ask('sends()')])"))
os.wait()
say(json.loads(os.read(r, 100)))
os.execv(sys.executable, program("say([sends(), Other().ask('sends()')])"))
`
  assert.deepEqual(await runClient(program), [
    ...networkByScope.said,
    ['lost', 'lost'],
    ['ok', 'lost'],
  ])
})

test('a thread has no packets of its own, and its connections are refused at the call', async (t) => {
  if (!requires(t, 'root', 'linux:6.1', 'python3')) return
  const program = `
c = Client()
other = []
answer = c.ask(type="inject", faults=["${drop}"], scope="thread", tid=threading.get_native_id())
say([answer["code"], answer["message"]])
c.inject("${refuse}", scope="thread", tid=threading.get_native_id())
t = threading.Thread(target=lambda: other.append(connects())); t.start(); t.join()
say([connects(), other, [r["engine"] for r in c.lift()], connects()])
`
  const [[code, message], ...rest] = (await runClient(program)) as [string[], ...unknown[]]
  assert.equal(code, 'MB_NO_ENGINE')
  assert.match(message!, /sockets belong to a process, not to one of its threads/)
  assert.deepEqual(rest, [['ECONNREFUSED', ['ok'], ['ptrace'], 'ok']])
})

test('faults of the command line, of one client and of another go on when others end', async (t) => {
  if (!requires(t, 'root', 'linux:6.1', 'python3')) return
  const program = `
a, b = Client(), Client()
def look(): return [sends(to=f"127.0.0.{n}") for n in range(7, 12)] + [opens()]
first = a.inject("--drop-net 100%,to=127.0.0.8", fault)
second = a.inject("--drop-net 100%,to=127.0.0.9")
b.inject("--drop-net 100%,to=127.0.0.10")
say(look())
a.lift(rules=first); say(look())
b.close()
while sends(to="127.0.0.10") != "ok": pass
say(look())
a.lift(); say(look())
`
  const args = ['--drop-net', '100%,to=127.0.0.7']
  assert.deepEqual(await runClient(program, { args }), [
    ['lost', 'lost', 'lost', 'lost', 'ok', 'EIO'],
    ['lost', 'ok', 'lost', 'lost', 'ok', 'ok'],
    ['lost', 'ok', 'lost', 'ok', 'ok', 'ok'],
    ['lost', 'ok', 'ok', 'ok', 'ok', 'ok'],
  ])
})

test('the same packets are lost as if the fault had been on the command line, for the same seed, and the log has them', async (t) => {
  if (!requires(t, 'root', 'linux:6.1', 'python3')) return
  const by = '50%,to=127.0.0.9'
  const look = 'say([sends() for n in range(60)])'
  const args = ['--seed', '11', '--log', '/dev/stdout']
  const results = []
  for (const [program, more] of [
    [`c = Client(); c.inject("--drop-net ${by}"); ${look}; c.lift()`, []],
    [look, ['--drop-net', by]],
  ] as const) {
    const { status, stdout, stderr } = await startClient(program, { args: [...args, ...more] })
      .result
    assert.equal(status, 0, stderr)
    const lines = linesOf(stdout)
    const outcomes = lines.find((line) => Array.isArray(line)) as string[]
    const hits = lines.filter((line) => !Array.isArray(line)) as Record<string, unknown>[]
    results.push([outcomes, hits.map(({ n, rule, index }) => [n, rule, index])])
  }
  assert.deepEqual(results[0], results[1])
  const [outcomes, hits] = results[0] as [string[], unknown[]]
  assert.equal(outcomes.filter((each) => each === 'lost').length, hits.length)
  assert.ok(hits.length > 10 && hits.length < 50, `${hits.length}`)
})

test('without privileges connections are refused at the call, and packets are not lost: the answer says why', async (t) => {
  if (!requires(t, 'python3')) return
  const program = `
c = Client()
c.inject("${refuse}")
say([connects(), Other().ask("connects()"), connects(to="127.0.0.1")])
say([[r["engine"], r["fired"]] for r in c.lift()])
say(connects())
answer = c.ask(type="inject", faults=["${drop}", fault])
say([answer["code"], answer["message"], answer["hint"]])
say([sends(), opens()])
`
  const [first, second, third, refused, last] = await runClient(program, unprivileged.options)
  assert.deepEqual(
    [first, second, third, last],
    [['ECONNREFUSED', 'ECONNREFUSED', 'ok'], [['ptrace', 2]], 'ok', ['ok', 'ok']],
  )
  const [code, message, hint] = refused as string[]
  assert.equal(code, 'MB_NO_ENGINE')
  assert.match(message!, /no engine can do --drop-net 100%,to=127.0.0.9 now: tc: it needs root/)
  assert.match(hint!, /exec --control as root/)
  const beyond = `say(Client().ask(type="inject", faults=["${refuse}"])["message"])`
  const options = { ...unprivileged.options, args: ['--control=openat'] }
  assert.match(`${await runClient(beyond, options)}`, /ptrace: connect is not among/)
})

test('faults come and go for longer than one table has rows: those that are in force stay, and what served them is closed', async (t) => {
  if (!requires(t, 'root', 'linux:6.1', 'python3', 'bpftool')) return
  // A row is given once: 2,048 faults fill a table of 4,096 rows, since every other one is for children, too.
  const program = `
import time
def programs():
    loaded = json.loads(subprocess.run(["bpftool", "-j", "prog", "list"], capture_output=True, text=True).stdout)
    return sum(each.get("name") == "mb_drop_out" for each in loaded)
# The kernel takes its time to forget one.
def settled(expected, patience=60):
    end = time.monotonic() + patience
    while programs() - before != expected and time.monotonic() < end: pass
    return programs() - before
def look(): return [sends(to=f"127.0.0.{n}") for n in (8, 9, 10)]
before = programs()
c = Client()
first = c.inject("--drop-net 100%,to=127.0.0.8")
for size in (512, 512, 512, 511):
    many = c.inject(*["--drop-net 100%,to=127.0.0.7"] * size)
    say([len(set(many)), sends(to="127.0.0.7"), sends(to="127.0.0.8")])
    c.lift(rules=many)
say([settled(1), look()])
second = c.inject("--drop-net 100%,to=127.0.0.9")
say([settled(2), look(), sends(to="127.0.0.7")])
say([(r["rule"], r["fired"]) for r in c.lift(rules=first)])
say([settled(1), look()])
say([(r["rule"], r["fired"]) for r in c.lift()])
say([settled(1), look()])
`
  assert.deepEqual(await runClient(program), [
    ...[512, 512, 512, 511].map((size) => [size, 'lost', 'lost']),
    [1, ['lost', 'ok', 'ok']],
    [2, ['lost', 'lost', 'ok'], 'ok'],
    [[0, 6]],
    [1, ['ok', 'lost', 'ok']],
    [[2048, 2]],
    [1, ['ok', 'ok', 'ok']],
  ])
})
