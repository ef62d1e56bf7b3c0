/** `minderbinder serve` where something is wrong: its socket, its clients, other users, and ends of all kinds. */
import assert from 'node:assert/strict'
import { lstatSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import test from 'node:test'
import { linesOf } from '../helpers/control.ts'
import { unprivileged } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { run, runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { clientEnvironment, runServed, startServe, startServed } from '../helpers/serve.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { until } from '../helpers/until.ts'

const drop = '--drop-net 100%,to=127.0.0.9'

test('the socket is root’s own, or its group’s too; others cannot connect', async (t) => {
  if (!requires(t, 'root', 'python3', 'setpriv')) return
  const mode = (path: string) => {
    const { mode, uid, gid } = lstatSync(path)
    return [(mode & 0o7777).toString(8), uid, gid]
  }
  const connecting = async (socket: string, ...ids: string[]) => {
    const program = 'import os, socket; socket.socket(socket.AF_UNIX).connect(os.environ["MB"])'
    const as = ['setpriv', ...ids, '--clear-groups', '/usr/bin/python3', '-S', '-c', program]
    return (await run(as, { env: { MB: socket } })).stderr.split('\n').at(-2) ?? 'connected'
  }
  const denied = 'PermissionError: [Errno 13] Permission denied'
  const own = await startServe(t)
  assert.deepEqual(mode(own.socket), ['600', 0, 0])
  assert.equal(await connecting(own.socket, '--reuid=54321', '--regid=0'), denied)
  const shared = await startServe(t, ['--group', 'nogroup'])
  assert.deepEqual(mode(shared.socket), ['660', 0, 65534])
  assert.equal(await connecting(shared.socket, '--reuid=54321', '--regid=54321'), denied)
  assert.equal(await connecting(shared.socket, '--reuid=54321', '--regid=65534'), 'connected')
})

test('SIGTERM and SIGINT end it with status 0: faults are lifted, and nothing is left', async (t) => {
  if (!requires(t, 'root', 'linux:6.1', 'python3')) return
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const folder = scratch(t)
    const before = systemState()
    const served = await startServe(t, [], join(folder, 'socket'))
    const client = startServed(
      served,
      `
c = Client(); c.inject("${drop}"); say(sends())
say([c.receive(), sends()])
`,
    )
    await until(() => client.stdout().includes('lost'), { what: 'a lost packet' })
    const { status, stderr } = await served.end(signal)
    assert.deepEqual([status, stderr], [0, ''])
    assert.deepEqual(linesOf((await client.result).stdout), ['lost', [null, 'ok']])
    assert.deepEqual(readdirSync(folder), [])
    await nothingLeft(before)
  }
})

test('SIGKILL lifts all faults: the client sees the end, and the next serve takes the socket', async (t) => {
  if (!requires(t, 'root', 'linux:6.1', 'python3')) return
  const before = systemState()
  const served = await startServe(t)
  const client = startServed(
    served,
    `
c = Client(); c.inject("${drop}"); say(sends())
say(c.receive())
while sends() != "ok": pass
say(sends())
`,
  )
  await until(() => client.stdout().includes('lost'), { what: 'a lost packet' })
  await served.end('SIGKILL')
  assert.deepEqual(linesOf((await client.result).stdout), ['lost', null, 'ok'])
  await nothingLeft(before)
  assert.ok(lstatSync(served.socket).isSocket())
  const next = await startServe(t, [], served.socket)
  assert.deepEqual(await runServed(next, `c = Client(); c.inject("${drop}"); say(sends())`), [
    'lost',
  ])
  assert.equal((await next.end()).status, 0)
  assert.throws(() => lstatSync(served.socket), { code: 'ENOENT' })
})

test('a client that is killed in the middle of its faults: they are lifted for what it has started', async (t) => {
  if (!requires(t, 'root', 'linux:6.1', 'python3')) return
  const served = await startServe(t)
  const program = `
client = Other("c = Client(); below = Other()")
client.ask("c.inject('${drop}')")
below = client.ask("below.process.pid")
say([client.ask("sends()"), client.ask("below.ask('sends()')"), sends()])
os.kill(client.process.pid, signal.SIGKILL)
client.process.wait()
c = Client()
# All of them fit only when the fault of the other one is gone.
while c.ask(type="inject", faults=["--drop-net 100%,to=127.0.0.8"] * 256)["type"] == "error": pass
say("all lifted")
`
  assert.deepEqual(await runServed(served, program), [['lost', 'lost', 'ok'], 'all lifted'])
})

test('what is wrong on the command line or at the path is an error, and changes nothing', async (t) => {
  if (!requires(t, 'root', 'python3')) return
  const folder = scratch(t)
  const at = (name: string) => join(folder, name)
  writeFileSync(at('file'), 'kept')
  symlinkSync('/nowhere', at('link'))
  const served = await startServe(t, [], at('live'))
  const other = createServer().listen(at('other'))
  t.after(() => other.close())
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['--socket', at('file')], 1, /cannot listen at .*file: a file is there that is not a socket/],
    [['--socket', at('link')], 1, /a file is there that is not a socket/],
    [['--socket', at('live')], 1, /live: another server listens there/],
    [['--socket', at('other')], 1, /other: another server listens there/],
    [['--socket', at('no/where')], 1, /no\/where: its directory does not exist/],
    [['--socket', at('x'.repeat(200))], 1, /has \d+ bytes, and a socket's can have 107/],
    [['--socket', ''], 2, /the path is empty/],
    [['--group', 'no-such-group'], 1, /--group: there is no group 'no-such-group'/],
    [['--engine', 'seccomp'], 1, /seccomp only reaches the processes of a command/],
    [['--engine', 'ptrace'], 1, /ptrace only reaches the processes of a command/],
    [['--engine', 'tc'], 2, /--engine/],
    [['--seed', 'x'], 2, /--seed/],
    [['ls'], 2, /serve takes no operand: 'ls'/],
  ]
  for (const [args, status, expected] of cases) {
    const result = await runMinderbinder(['serve', ...args])
    assert.match(result.stderr, expected)
    assert.deepEqual([result.status, result.stdout], [status, ''], result.stderr)
  }
  assert.deepEqual(readdirSync(folder).sort(), ['file', 'link', 'live', 'other'])
  assert.deepEqual(await runServed(served, 'say(len(Client().hello["scopes"]))'), [3])
})

test('without root it says what to do instead', async (t) => {
  if (!requires(t, 'setpriv')) return
  const { status, stdout, stderr } = await runMinderbinder(['serve'], unprivileged.options)
  assert.deepEqual([status, stdout], [1, ''])
  assert.match(stderr, /it needs root[\s\S]*minderbinder exec --control -- COMMAND/)
})

test('bad requests get errors, and none reaches another client', async (t) => {
  if (!requires(t, 'root', 'linux:6.1', 'python3')) return
  const served = await startServe(t)
  const program = `
good = Client()
rules = good.inject("${drop}")
def of(*bytes, end=False):
    c = Client()
    for each in bytes: c.send(each)
    if end: c.socket.shutdown(socket.SHUT_WR)
    answers = []
    while (line := c.receive()) is not None: answers.append(line["code"] if line["type"] == "error" else line["type"])
    return answers
say(of(b"garbage\\n"))
say(of(b"[]\\n", b'{"type":"counts"}\\n'))
say(of(b'{"type":"inject"', end=True))
say(of(b'{"type":"counts"}\\n{"type":"lift"}\\n', end=True))
say(of(b"x" * (1 << 20), b"xx\\n"))
say(of(b'{"type":"counts"}\\n' * 300, end=True).count("MB_CONTROL"))
c = Client()
say([c.ask(**each)["code"] for each in (
    dict(type="lift", rules=rules), dict(type="inject", faults=["openat=EIO"], pid=1), dict(type="inject", faults=["--drop-net 100%,port=x"]),
    dict(type="inject", faults=["--drop-net 100%", "--drop-net 100%,interface=nope"]), dict(type="inject", faults=[{"outgoing_network": [{"targets": [{"pid": 1}]}]}]))])
say([sends(), sends(to="127.0.0.8")])
say([r["fired"] for r in good.lift()])
`
  assert.deepEqual(await runServed(served, program), [
    ['MB_CONTROL'],
    ['MB_CONTROL'],
    [],
    ['counts', 'lifted'],
    ['MB_CONTROL'],
    1,
    ['MB_CONTROL', 'MB_CONTROL', 'MB_FAULT_SYNTAX', 'MB_INTERFACE', 'MB_CONFIG'],
    ['lost', 'ok'],
    [1],
  ])
})

test('a client that never reads its answers loses its connection; others are answered', async (t) => {
  if (!requires(t, 'root', 'linux:6.1', 'python3')) return
  const served = await startServe(t)
  const program = `
c = Client()
c.inject(*["--drop-net 100%,to=127.0.0.8"] * 200)
c.socket.settimeout(60)
def flood():
    for _ in range(100000): c.send(b'{"type":"counts"}\\n')
say(outcome(flood) in ("EPIPE", "ECONNRESET"))
say(Client().ask(type="counts")["type"])
`
  assert.deepEqual(await runServed(served, program), [true, 'counts'])
})

test('the service manager hears when it is ready', async (t) => {
  if (!requires(t, 'root', 'python3')) return
  for (const name of ['path', 'abstract']) {
    const folder = mkdtempSync(join(scratch(t), 'x'))
    const address = name === 'path' ? join(folder, 'notify') : `@mb-test-${process.pid}`
    const program = `
import os, signal, socket, subprocess, sys
name = os.environ["NOTIFY_SOCKET"]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(name.replace("@", "\\0", 1) if name[0] == "@" else name)
s.settimeout(20)
serve = subprocess.Popen(sys.argv[1:])
try:
    print(s.recv(100).decode())
    print(os.path.exists(sys.argv[-1]))
finally:
    serve.terminate()
print(serve.wait())
`
    const command = [new URL('../../bin/minderbinder', import.meta.url).pathname, 'serve']
    const { stdout, stderr } = await run(
      [
        '/usr/bin/python3',
        '-S',
        '-c',
        program,
        ...command,
        '-q',
        '--socket',
        join(folder, 'socket'),
      ],
      { env: { ...clientEnvironment({ socket: '' }), NOTIFY_SOCKET: address } },
    )
    assert.deepEqual([stdout, stderr], ['READY=1\nTrue\n0\n', ''])
  }
})
