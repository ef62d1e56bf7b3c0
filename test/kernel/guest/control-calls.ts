/**
 * System call faults that clients of `exec --control` inject, done by the kernel's own programs: override, or hook where
 * MINDERBINDER_TEST_ENGINE says so.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import { callsByScope, callsUntilLifted } from '../../helpers/client-faults.ts'
import { linesOf, runClient, startClient } from '../../helpers/control.ts'
import { requires } from '../../helpers/requires.ts'

const engine = process.env.MINDERBINDER_TEST_ENGINE === 'hook' ? 'hook' : 'override'
const options = { args: ['--engine', engine] }

test(`${engine}: calls fail from inject to lift, of the client and of what it starts, and no others`, async (t) => {
  if (!requires(t, 'root', 'python3')) return
  const { program, said } = callsUntilLifted(engine)
  assert.deepEqual(await runClient(`\nouter = Client(greet=False)${program}`, options), said)
})

test(`${engine}: a scope narrows that to the process, or to what it starts from now on; to a thread it cannot`, async (t) => {
  if (!requires(t, 'root', 'python3')) return
  const program = `${callsByScope.program}
# After an exec it is the same process, in the same scope.
r, w = os.pipe(); os.set_inheritable(c.socket.fileno(), True)
c.inject(fault, scope="children")
if os.fork() == 0:
    os.dup2(w, 1)
    os.execv(sys.executable, program("say([opens(), Other().ask('opens()')])"))
os.wait()
say(json.loads(os.read(r, 100)))
os.execv(sys.executable, program("say([opens(), Other().ask('opens()')])"))
`
  assert.deepEqual(await runClient(program, options), [
    ...callsByScope.said,
    ['EIO', 'EIO'],
    ['ok', 'EIO'],
  ])
})

test(`${engine}: a client can always lift its faults, whatever it has faulted; its other sockets fail`, async (t) => {
  if (!requires(t, 'root', 'python3')) return
  const calls = 'read+write+sendto+sendmsg+recvfrom+recvmsg+connect+ioctl+fcntl'
  const program = `
c = Client()
ours, theirs = socket.socketpair()
def look(): return [outcome(ours.send, b"x"), outcome(lambda: socket.socket(socket.AF_UNIX).connect("/tmp/none"))]
say(look())
c.inject("${calls}=EIO,scope=tree")
other = [look()]
again = Client()
again.inject("sendto=EPERM")
other.append(look())
fired = sum(r["fired"] > 0 for r in c.lift())
other.append(look())
again.lift()
say(other + [fired]); say(look())
`
  assert.deepEqual(await runClient(program, options), [
    ['ok', 'ENOENT'],
    [['EIO', 'EIO'], ['EIO', 'EIO'], ['EPERM', 'ENOENT'], 1],
    ['ok', 'ENOENT'],
  ])
})

test(`${engine}: faults of the command line, of one client and of another go on when others end`, async (t) => {
  if (!requires(t, 'root', 'python3')) return
  const program = `
a, b = Client(), Client()
def look(): return [opens(), outcome(os.mkdir, "/etc/hostname/x"), outcome(os.unlink, "/tmp/none"), outcome(os.chdir, "/etc/none"), opens("/etc/passwd")]
say(look())
first = a.inject(fault)
second = a.inject("mkdir=EPERM", "unlink+mkdir=EACCES")
b.inject("chdir=EPERM", "openat=ENOSPC,path=/etc/passwd")
say(look())
a.lift(rules=first); say(look())
b.close()
while outcome(os.chdir, "/etc/none") != "ENOENT": pass
say(look())
a.lift(rules=second[:1]); say(look())
a.lift(); say(look())
`
  const args = [...options.args, '--syscall', 'unlink=EBUSY,when=2+']
  const last = ['ok', 'ENOTDIR', 'EBUSY', 'ENOENT', 'ok']
  assert.deepEqual(await runClient(program, { args }), [
    ['ok', 'ENOTDIR', 'ENOENT', 'ENOENT', 'ok'],
    ['EIO', 'EPERM', 'EACCES', 'EPERM', 'ENOSPC'],
    ['ok', 'EPERM', 'EACCES', 'EPERM', 'ENOSPC'],
    ['ok', 'EPERM', 'EACCES', 'ENOENT', 'ok'],
    ['ok', 'EACCES', 'EACCES', 'ENOENT', 'ok'],
    last,
  ])
})

test(`${engine}: the same calls fail as if the fault had been on the command line, for the same seed, and the log has them`, async (t) => {
  if (!requires(t, 'root', 'python3')) return
  const by = 'openat=EIO@50%,path=/etc/hostname'
  const look = 'say([opens() for n in range(60)])'
  const args = [...options.args, '--seed', '11', '--log', '/dev/stdout']
  const results = []
  for (const [program, more] of [
    [`c = Client(); c.inject("${by}"); ${look}; c.lift()`, []],
    [look, ['--syscall', by]],
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
  assert.equal(outcomes.filter((each) => each === 'EIO').length, hits.length)
  assert.ok(hits.length > 10 && hits.length < 50, `${hits.length}`)
})
