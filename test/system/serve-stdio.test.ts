/** `minderbinder serve --stdio`: the process that starts it injects network faults into itself. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { outlived } from '../helpers/client-faults.ts'
import { linesOf } from '../helpers/control.ts'
import { unprivileged } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { runMinderbinder } from '../helpers/run.ts'
import { runParent, startParent } from '../helpers/stdio.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { until } from '../helpers/until.ts'

const drop = '--drop-net 100%,to=127.0.0.9'
const refuse = '--refuse-net 100%,to=127.0.0.9'

for (const pair of ['False', 'True'])
  test(`faults hit the parent and what it starts, until it lifts them or its input ends (a pair of sockets: ${pair})`, async (t) => {
    if (!requires(t, 'root', 'linux:6.1', 'python3')) return
    const before = systemState()
    const program = `
client = Other("below = Other(); c = Parent('--seed', '7', pair=${pair})")
say(client.ask("[c.hello['seed'], c.hello['scopes']]"))
def look(): return [client.ask(each) for each in ("sends()", "connects()", "below.ask('sends()')", "Other().ask('sends()')")]
say(look())
client.ask("c.inject('${drop}', '${refuse}')")
say(look())
say(["neighbour", sends(), connects(), Other().ask("sends()")])
say(client.ask("[(r['engine'], r['matched'] == r['fired'] > 0) for r in c.lift()]"))
say(look())
client.ask("c.inject('${drop}')")
say(client.ask("sends()"))
say(client.ask("c.end()"))
say(look())
`
    const ok = ['ok', 'ok', 'ok', 'ok']
    assert.deepEqual(await runParent(program), [
      ['7', ['tree', 'process', 'children']],
      ok,
      ['lost', 'ECONNREFUSED', 'lost', 'lost'],
      ['neighbour', 'ok', 'ok', 'ok'],
      [
        ['tc', true],
        ['cgroup', true],
      ],
      ok,
      'lost',
      [[], 0],
      ok,
    ])
    await nothingLeft(before)
  })

test('what its input has at the end is answered, and status 0 follows, whatever it was', async (t) => {
  if (!requires(t, 'root', 'python3')) return
  const program = `
def of(*bytes):
    c = Parent(greet=False)
    for each in bytes: c.send(each)
    answers, status = c.end()
    return [[a["code"] if a["type"] == "error" else a["type"] for a in answers], status]
hello = b'{"type":"hello","version":1}\\n'
say(of())
say(of(hello, b'{"type":"counts"}\\n', b'{"type":"lift"}'))
say(of(hello, b'{"type":"inject","faults":["${drop}"]}\\n{"type":"counts"}\\n'))
say(of(b'{"type":"counts"}\\n'))
say(of(b"garbage\\n"))
`
  assert.deepEqual(await runParent(program), [
    [[], 0],
    [['hello', 'counts'], 0],
    [['hello', 'injected', 'counts'], 0],
    [['MB_CONTROL'], 0],
    [['MB_CONTROL'], 0],
  ])
})

test('a line that is no request ends it, and so does a client that reads no answer', async (t) => {
  if (!requires(t, 'root', 'python3')) return
  const program = `
c = Parent()
c.inject("${drop}")
c.send(b"[]\\n")
say([c.receive()["code"], c.receive(), c.serve.wait(), sends()])
c = Parent()
c.inject(*["--drop-net 100%,to=127.0.0.8"] * 200)
def flood():
    for _ in range(100000): c.send(b'{"type":"counts"}\\n')
say([outcome(flood), c.serve.wait()])
`
  assert.deepEqual(await runParent(program), [
    ['MB_CONTROL', null, 0, 'ok'],
    ['EPIPE', 0],
  ])
})

test('only the parent is served: not what stands behind a shell, and not what adopts serve', async (t) => {
  if (!requires(t, 'root', 'linux:6.1', 'python3')) return
  const program = `
shell = ["sh", "-c", '"$@"; exit $?', "sh"]
c = Parent(pair=True, before=shell, greet=False)
answer = c.receive()
say([answer["code"], f"comes from process {os.getpid()}" in answer["message"], c.receive(), c.serve.wait()])
# By pipes, its client is the shell.
c = Parent(before=shell)
c.inject("${drop}")
say([sends(), Other().ask("sends()")])
c.end()
# Its parent has ended before it looks.
read, write = os.pipe()
ours, theirs = socket.socketpair()
if os.fork() == 0:
    wait = 'cat <&' + str(read) + ' >/dev/null; exec "$MINDERBINDER" serve --stdio'
    subprocess.Popen(["sh", "-c", wait], stdin=theirs, stdout=theirs, pass_fds=[read])
    os._exit(0)
os.close(write)
theirs.close()
os.wait()
line = json.loads(ours.makefile("rb").readline())
say([line["code"], line["id"]])
`
  assert.deepEqual(await runParent(program), [
    ['MB_CONTROL', true, null, 1],
    ['ok', 'ok'],
    ['MB_CONTROL', null],
  ])
})

test('a child that inherits the channel keeps the faults in force, and can inject none', async (t) => {
  if (!requires(t, 'root', 'linux:6.1', 'python3')) return
  const before = systemState()
  const { program, said } = outlived('Parent()')
  assert.deepEqual(await runParent(program), said)
  await nothingLeft(before)
})

test('SIGTERM, SIGKILL, or the end of its parent: the faults are gone, and nothing is left', async (t) => {
  if (!requires(t, 'root', 'linux:6.1', 'python3')) return
  const before = systemState()
  for (const [signal, status] of [
    ['SIGTERM', 0],
    ['SIGINT', 0],
    ['SIGKILL', -9],
  ] as const) {
    const program = `
c = Parent(); c.inject("${drop}"); say(sends())
c.serve.send_signal(signal.${signal})
say([c.receive(), c.serve.wait()])
while sends() != "ok": pass
say(sends())
`
    assert.deepEqual(await runParent(program), ['lost', [null, status], 'ok'], signal)
  }
  const client = startParent(`
c = Parent(); c.inject("${drop}")
below = subprocess.Popen(program("say(sends())\\nwhile sends() != 'ok': pass\\nsay('it arrives')"))
time.sleep(1000)
`)
  await until(() => client.stdout().includes('lost'), { what: 'a lost packet' })
  client.child.kill('SIGKILL')
  const { stdout } = await client.result
  assert.deepEqual(linesOf(stdout), ['lost', 'it arrives'])
  await nothingLeft(before)
})

test('what keeps it from serving is an answer; a wrong command line is an error as ever', async (t) => {
  if (!requires(t, 'root', 'setpriv')) return
  const denied = await runMinderbinder(['serve', '--stdio'], unprivileged.options)
  assert.deepEqual([denied.status, denied.stderr], [1, ''])
  const { type, id, code, hint } = JSON.parse(denied.stdout)
  assert.deepEqual([type, id, code], ['error', null, 'MB_NO_PERMISSION'])
  assert.match(hint, /sudo/)
  for (const [args, message] of [
    [['--socket', '/tmp/x'], /'--stdio' cannot be used with option '--socket <PATH>'/],
    [['--group', 'nogroup'], /'--stdio' cannot be used with option '--group <NAME>'/],
    [['ls'], /serve takes no operand: 'ls'/],
  ] as const) {
    const { status, stdout, stderr } = await runMinderbinder(['serve', '--stdio', ...args])
    assert.deepEqual([status, stdout], [2, ''])
    assert.match(stderr, message)
  }
})

test('inject takes the rules of one kind, and says which they are', async (t) => {
  if (!requires(t, 'root', 'linux:6.1', 'python3')) return
  const program = `
c = Parent()
both = dict(syscall=[dict(syscall="openat", ret_code="EIO", path="/nowhere")], outgoing_network=[dict(failure_rate=100, to="127.0.0.9")])
answer = c.ask(type="inject", faults=["openat=EIO,path=/nowhere", both, "${refuse}"], only="network")
say([answer["places"], answer["left"], len(answer["rules"]), sends(), connects(), opens("/nowhere")])
c.lift()
answer = c.ask(type="inject", faults=["openat=EIO"], only="network")
say([answer["rules"], answer["places"], answer["left"], sends()])
say([c.ask(type="inject", faults=["openat=EIO"], **more)["code"] for more in (dict(only="all"), dict(only="network", seed="1"))])
`
  assert.deepEqual(await runParent(program), [
    [[2, 3], 2, 2, 'lost', 'ECONNREFUSED', 'ENOENT'],
    [[], [], 1, 'ok'],
    ['MB_CONTROL', 'MB_CONTROL'],
  ])
})
