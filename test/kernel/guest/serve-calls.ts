/**
 * System call faults that clients of `minderbinder serve` inject into themselves: by override, or by hook where
 * MINDERBINDER_TEST_ENGINE says so.
 */
import assert from 'node:assert/strict'
import { delimiter, dirname, join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { callsByScope, callsUntilLifted } from '../../helpers/client-faults.ts'
import { linesOf } from '../../helpers/control.ts'
import { requires } from '../../helpers/requires.ts'
import { minderbinder, run, runMinderbinder } from '../../helpers/run.ts'
import { runServed, startServe, startServed } from '../../helpers/serve.ts'
import { runParent } from '../../helpers/stdio.ts'
import { clientsFolder } from '../../helpers/transcript.ts'
import { until } from '../../helpers/until.ts'

const engine = process.env.MINDERBINDER_TEST_ENGINE === 'hook' ? 'hook' : 'override'

test(`${engine}: calls fail from inject to lift, of the client and of what it starts, and no others`, async (t) => {
  if (!requires(t, 'root', 'python3')) return
  const served = await startServe(t)
  const { program, said } = callsUntilLifted(engine)
  assert.deepEqual(await runServed(served, program), said)
})

test(`${engine}: a scope narrows that to the process, or to what it starts from now on; a thread is refused`, async (t) => {
  if (!requires(t, 'root', 'python3')) return
  const served = await startServe(t)
  assert.deepEqual(await runServed(served, callsByScope.program), callsByScope.said)
})

test(`${engine}: a client can always connect and lift, whatever it has faulted; its other sockets fail`, async (t) => {
  if (!requires(t, 'root', 'python3')) return
  const served = await startServe(t)
  const calls = 'read+write+sendto+sendmsg+recvfrom+recvmsg+connect+ioctl+fcntl'
  const program = `
c = Client()
ours, theirs = socket.socketpair()
def look(): return [outcome(ours.send, b"x"), outcome(lambda: socket.socket(socket.AF_UNIX).connect("/tmp/none"))]
say(look())
c.inject("${calls}=EIO")
other = [look()]
again = Client()
again.inject("sendto=EPERM")
other.append(look())
fired = sum(r["fired"] > 0 for r in c.lift())
other.append(look())
again.lift()
say(other + [fired]); say(look())
`
  assert.deepEqual(await runServed(served, program), [
    ['ok', 'ENOENT'],
    [['EIO', 'EIO'], ['EIO', 'EIO'], ['EPERM', 'ENOENT'], 1],
    ['ok', 'ENOENT'],
  ])
})

test(`${engine}: a client hits processes of its own user alone, even below itself; root hits any`, async (t) => {
  if (!requires(t, 'root', 'python3')) return
  const served = await startServe(t, ['--group', 'nogroup'])
  const program = (uid: number) => `
os.setgid(65534); os.setgroups([])
of_root = Other()
of_nobody = Other("os.setresuid(65534, 65534, 65534); below = Other()")
os.setresuid(${uid}, ${uid}, ${uid})
def look(): return [opens(), of_root.ask("opens()"), of_nobody.ask("opens()"), of_nobody.ask("below.ask('opens()')"), Other().ask("opens()")]
say(look())
c = Client()
c.inject(fault)
say(look())
c.lift()
say(look())
`
  const [ok, no] = ['ok', 'EIO']
  const none = [ok, ok, ok, ok, ok]
  assert.deepEqual(await runServed(served, program(65534)), [none, [no, ok, no, no, no], none])
  assert.deepEqual(await runServed(served, program(0)), [none, [no, no, no, no, no], none])
})

test(`${engine}: a client that has started serve itself does not hit it`, async (t) => {
  if (!requires(t, 'root', 'python3')) return
  const program = `
path = os.environ["MINDERBINDER_CONTROL"]
serve = subprocess.Popen(["${minderbinder}", "serve", "--socket", path], stdout=subprocess.PIPE)
try:
    serve.stdout.readline()
    c = Client()
    for _ in range(3):
        c.inject("openat+read+write+sendto+sendmsg+recvfrom=EIO")
        failed = opens()
        c.lift()
        say([failed, opens()])
finally:
    serve.terminate()
say(serve.wait())
`
  const socket = `/tmp/mb-test-${process.pid}.sock`
  assert.deepEqual(await runServed({ socket }, program), [
    ['EIO', 'ok'],
    ['EIO', 'ok'],
    ['EIO', 'ok'],
    0,
  ])
})

test(`${engine}: calls go on without faults when serve is killed`, async (t) => {
  if (!requires(t, 'root', 'python3')) return
  const served = await startServe(t)
  const client = startServed(
    served,
    `
c = Client(); c.inject(fault); say(opens())
say(c.receive())
while opens() != "ok": pass
say(opens())
`,
  )
  await until(() => client.stdout().includes('EIO'), { what: 'a call that failed' })
  await served.end('SIGKILL')
  assert.deepEqual(linesOf((await client.result).stdout), ['EIO', null, 'ok'])
})

test(`${engine}: an engine that is named does the faults, or is an error at the start`, async (t) => {
  if (!requires(t, 'root', 'python3')) return
  const served = await startServe(t, ['--engine', engine, '--seed', '7'])
  const program = `
c = Client(); c.inject(fault); opens()
say([c.hello["seed"]] + [r["engine"] for r in c.lift()])
answer = c.ask(type="inject", faults=["openat=delay:1ms"])
say([answer["code"], "exec --control -- COMMAND" in answer["hint"]])
`
  assert.deepEqual(await runServed(served, program), [
    ['7', engine],
    ['MB_NO_ENGINE', true],
  ])
  if (engine === 'override') return
  const { status, stdout, stderr } = await runMinderbinder(['serve', '--engine', 'override'])
  assert.deepEqual([status, stdout], [1, ''])
  assert.match(stderr, /override does not work here: .*MB_NO_ENGINE/)
})

test(`${engine}: serve --stdio faults its parent, and never the sockets that it is asked on`, async (t) => {
  if (!requires(t, 'root', 'python3')) return
  const program = `
client = Other("c = Parent(pair=True); ours, theirs = socket.socketpair()")
def look(): return [client.ask(each) for each in ("opens()", "Other().ask('opens()')", "outcome(ours.send, b'x')")]
say(look())
client.ask("c.inject(fault)")
say(look())
say(["neighbour", opens(), Other().ask("opens()")])
say(client.ask("[(r['engine'], r['matched'], r['fired']) for r in c.lift()]"))
say(client.ask("[len(c.inject('read+write+sendto+sendmsg+recvfrom+recvmsg=EIO', scope='process')), len(c.ask(type='counts')['rules']), outcome(ours.send, b'x'), len(c.lift())]"))
say(client.ask("c.end()"))
say(look())
`
  assert.deepEqual(await runParent(program), [
    ['ok', 'ok', 'ok'],
    ['EIO', 'EIO', 'ok'],
    ['neighbour', 'ok', 'ok'],
    [[engine, 2, 2]],
    [1, 1, 'EIO', 1],
    [[], 0],
    ['ok', 'ok', 'ok'],
  ])
})

for (const [language, ...command] of [
  [
    'Node',
    process.execPath,
    fileURLToPath(new URL('../../helpers/own-serve-program.js', import.meta.url)),
  ],
  ['Python', '/usr/bin/python3', join(clientsFolder, 'python/tests/own_serve.py')],
] as const)
  test(`${engine}: a test of root in ${language} has its system calls failed by serve, and by a filter only what serve cannot do`, async (t) => {
    if (!requires(t, 'root', 'python3')) return
    const env = {
      MINDERBINDER_CONTROL: undefined,
      PYTHONPATH: join(clientsFolder, 'python'),
      PATH: [dirname(minderbinder), process.env.PATH].join(delimiter),
    }
    const { status, stdout, stderr } = await run([...command, 'calls'], { env, timeout: 240_000 })
    assert.equal(status, 0, stdout + stderr)
  })
