/** `exec --control`: its socket, its protocol, and which processes the faults of a client hit. */
import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { createConnection } from 'node:net'
import { dirname } from 'node:path'
import test from 'node:test'
import { linesOf, runClient, socketFolders, startClient } from '../helpers/control.ts'
import { unprivileged } from '../helpers/identity.ts'
import { killed, ourProcesses } from '../helpers/processes.ts'
import { requires } from '../helpers/requires.ts'
import { runMinderbinder } from '../helpers/run.ts'
import { until } from '../helpers/until.ts'

test('faults are in force when the client is told so, until they are lifted, for it and what it starts', async (t) => {
  if (!requires(t, 'python3')) return
  const program = `
outer = Client(greet=False)
inner = subprocess.Popen(program("""
c = Client()
say([opens(), child_opens()])
rules = c.inject(fault)
say([opens(), child_opens()])
sys.stdin.readline()
counts = c.ask(type="counts")["rules"]
lifted = c.lift(rules=rules)
say([opens(), child_opens()])
say([counts == lifted, [(r["matched"], r["fired"], r["engine"], r["label"]) for r in lifted]])
"""), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
for line in range(2): print(inner.stdout.readline().strip(), flush=True)
say(["neighbour", opens(), child_opens()])
inner.stdin.write("go on\\n"); inner.stdin.flush()
for line in inner.stdout: print(line.strip(), flush=True)
`
  for (const options of [{}, unprivileged.options])
    for (const [engine, args] of [
      ['ptrace', []],
      ['seccomp', ['--engine', 'seccomp']],
    ] as const)
      assert.deepEqual(await runClient(program, { ...options, args }), [
        ['ok', 'ok'],
        ['EIO', 'EIO'],
        ['neighbour', 'ok', 'ok'],
        ['ok', 'ok'],
        [true, [[2, 2, engine, 'openat=EIO,path=/etc/hostname']]],
      ])
})

test('a scope narrows that to the process, to what it starts from now on, or to a thread', async (t) => {
  if (!requires(t, 'python3')) return
  for (const engine of ['seccomp', 'ptrace']) await checkScopes(engine)
})

async function checkScopes(engine: string): Promise<void> {
  const program = `
c = Client()
before = subprocess.Popen(program("for line in sys.stdin: say(opens())"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
def before_opens():
    before.stdin.write("look\\n"); before.stdin.flush()
    return json.loads(before.stdout.readline())
def all_look(**more):
    c.inject(fault, **more)
    result = [opens(), before_opens(), child_opens()]
    c.lift()
    return result + [opens(), before_opens(), child_opens()]
for scope in ["tree", "process", "children"]:
    say([scope] + all_look(scope=scope))
other, told, done = [], threading.Event(), threading.Event()
def thread():
    other.append(threading.get_native_id()); told.set(); done.wait(); other.append(opens())
t = threading.Thread(target=thread); t.start(); told.wait()
c.inject(fault, scope="thread", tid=threading.get_native_id())
say(["own thread", opens(), child_opens()]); c.lift()
c.inject(fault, scope="thread", tid=other[0])
done.set(); t.join()
say(["other thread", opens(), other[1]])
# A daemon has lost its parent, and is the client's all the same; later children of it, too.
c.lift(); c.inject(fault)
r, w = os.pipe()
if os.fork() == 0:
    if os.fork() == 0:
        os.close(r); c.socket.close()
        while os.getppid() == os.getpid(): pass
        os.write(w, (opens() + " " + child_opens()).encode()); os._exit(0)
    os._exit(0)
os.wait(); os.close(w)
say(["daemon", os.read(r, 100).decode()])
`
  assert.deepEqual(await runClient(program, { args: ['--engine', engine] }), [
    ['tree', 'EIO', 'EIO', 'EIO', 'ok', 'ok', 'ok'],
    ['process', 'EIO', 'ok', 'ok', 'ok', 'ok', 'ok'],
    ['children', 'ok', 'ok', 'EIO', 'ok', 'ok', 'ok'],
    ['own thread', 'EIO', 'ok'],
    ['other thread', 'ok', 'EIO'],
    ['daemon', 'EIO EIO'],
  ])
}

test('a client can always lift its faults, whatever it has faulted', async (t) => {
  if (!requires(t, 'python3')) return
  const program = `
c = Client()
s = socket.socket(socket.AF_UNIX)
other = socket.socketpair()
for faults in [["write=EIO"], ["%net=EIO"], ["%read=EIO", "%write=EIO", "close=EIO", "ioctl=EIO", "fcntl=EIO"]]:
    c.inject(*faults, scope="process")
    mine = []
    for call, args in [(os.write, (w, b"x")) for w in [other[0].fileno()]] + [(other[0].send, (b"x",))]:
        try: call(*args); mine.append("ok")
        except OSError as error: mine.append(errno.errorcode[error.errno])
    lifted = c.lift()
    say([mine, [r["matched"] for r in lifted if r["label"] in ("write=EIO", "%net=EIO")], opens()])
# Another connection, while connect() fails: the socket is there, the way to it must be.
c.inject("connect=EIO")
elsewhere = outcome(s.connect, "/tmp/nobody-listens-here")
s.connect(os.environ["MINDERBINDER_CONTROL"])
s.send(b'{"type":"hello","version":1,"id":[7]}\\n')
say([elsewhere, json.loads(s.makefile().readline())["id"]])
c.lift()
`
  assert.deepEqual(await runClient(program), [
    [['EIO', 'ok'], [1], 'ok'],
    [['ok', 'EIO'], [1], 'ok'],
    [['EIO', 'ok'], [], 'ok'],
    ['EIO', [7]],
  ])
  // The same of faults that were there before it.
  const args = ['--syscall', '%net=EIO,when=2+', '--syscall', 'write=EIO']
  const first =
    'c = Client(); c.inject(fault); r = c.lift()\nos._exit(0 if r[0]["seen"] == 0 else 1)'
  const { status, stderr } = await startClient(first, { args }).result
  assert.equal(status, 0, stderr)
})

test('a request that cannot be honoured is answered with code, message and hint, and changes nothing', async (t) => {
  if (!requires(t, 'python3')) return
  const program = `
early = Client(greet=False).ask(type="counts", id="early")
c = Client()
c.inject(fault)
for request in [dict(type="inject", faults=["futex=EIO"]), 
    dict(type="inject", faults=["--drop-net 5%"], scope="thread", tid=threading.get_native_id()),
    dict(type="inject", faults=[fault, "openat=ENOENTT"]), dict(type="inject", faults=[]), dict(type="inject"),
    dict(type="inject", faults=["openat=EIO"], scope="thread"), dict(type="inject", faults=["openat=EIO"], tid=1),
    dict(type="inject", faults=["openat=EIO"], scope="thread", tid=1), dict(type="inject", faults=["openat=EIO"], scope="all"),
    dict(type="inject", faults=[{"syscall": [{"syscall": "openat", "ret_code": "EIO", "targets": [{"process_name": "cat"}]}]}]),
    dict(type="inject", faults=["%file=EIO"] * 300), dict(type="lift", rules=[17]), dict(type="lift", rules="all"), dict(type="lift", rule=1),
    dict(type="hello", version=2), dict(type="jump"), dict()]:
    answer = c.ask(id=1, **request)
    assert answer["id"] == 1, answer
    say([answer["type"], answer["code"], answer["message"], answer.get("hint", "")])
say([early["id"], early["code"], early["message"]])
other = Client()
mine = other.inject("openat=EIO,path=/nowhere")
say([c.ask(type="lift", rules=mine)["code"], opens()])
say([[r["fired"] for r in c.lift()], opens()])
`
  const lines = (await runClient(program)) as string[][]
  const expected: readonly (readonly [string, RegExp, RegExp?])[] = [
    ['MB_NO_ENGINE', /futex is beyond the reach/, /--control=SET/],
    ['MB_NO_ENGINE', /^no engine can do --drop-net 5% now: tc: sockets belong/, /as root/],
    [
      'MB_UNKNOWN_NAME',
      /^faults\[1\]: --syscall: unknown error 'ENOENTT'/,
      /did you mean ENOENT\?/,
    ],
    ['MB_CONTROL', /faults is missing/],
    ['MB_CONTROL', /faults is missing/],
    ['MB_CONTROL', /tid is the number of a thread/],
    ['MB_CONTROL', /tid is the number of a thread/],
    ['MB_CONTROL', /has no thread 1$/],
    ['MB_CONTROL', /scope is "all", not one of tree, process, children, thread/],
    ['MB_NO_ENGINE', /targets/],
    ['MB_FAULT_VALUE', /^301 rules would be in force \(the limit is 256\)$/],
    ['MB_CONTROL', /^rule 17 is not in force/],
    ['MB_CONTROL', /^rules must be a list/],
    ['MB_CONTROL', /^lift has no "rule", only rules/],
    ['MB_CONTROL', /^version 2 of the protocol/],
    ['MB_CONTROL', /^a request needs a type/],
    ['MB_CONTROL', /^a request needs a type/],
  ]
  for (const [at, [code, message, hint]] of expected.entries()) {
    const [type, ...answer] = lines[at]!
    assert.deepEqual([type, answer[0]], ['error', code], answer[1])
    assert.match(answer[1]!, message)
    if (hint) assert.match(answer[2]!, hint)
  }
  assert.deepEqual(lines.slice(expected.length), [
    ['early', 'MB_CONTROL', 'the first request is hello'],
    ['MB_CONTROL', 'EIO'],
    [[1], 'ok'],
  ])
})

test('what is no request at all closes the connection, and its faults go with it', async (t) => {
  if (!requires(t, 'python3')) return
  const program = `
for line in [b"garbage\\n", b"[]\\n", b"\\n", b"x" * (2 << 20)]:
    c = Client(); c.inject(fault)
    try: c.send(line)
    except OSError: pass # it was closed before all was sent
    answer = c.receive()
    while opens() != "ok": pass
    try: end = c.receive()
    except ConnectionResetError: end = None # so the kernel says if a part of the line was not read (af_unix.c)
    say([answer["type"], answer["id"], answer["code"], end])
c = Client(); c.inject(fault); c.send(b'{"type":'); c.close()
while opens() != "ok": pass
`
  const closed = ['error', null, 'MB_CONTROL', null]
  assert.deepEqual(await runClient(program), [closed, closed, closed, closed])
})

test('faults end with the connection of a client that is killed, forks or execs', async (t) => {
  if (!requires(t, 'python3')) return
  const program = `
def wait_for(what):
    while child_opens() != what: pass
for end in ["os.kill(os.getpid(), 9)", "os._exit(0)", "os.execv('/bin/sleep', ['sleep', '0.1'])"]:
    inner = subprocess.Popen(program("""
c = Client(); c.inject(fault)
p = subprocess.Popen(["sh", "-c", "until (: </etc/hostname) 2>/dev/null; do :; done; echo lifted"], stdout=1, close_fds=True)
say([opens(), child_opens()])
""" + end), stdout=subprocess.PIPE, text=True)
    say([json.loads(inner.stdout.readline()), inner.stdout.readline().strip()])
`
  const line = [['EIO', 'EIO'], 'lifted']
  assert.deepEqual(await runClient(program), [line, line, line])
})

test('256 clients at once are served, one more hears why not, and 1,000 blocks leave nothing', async (t) => {
  if (!requires(t, 'python3')) return
  const program = `
all = [Client() for n in range(256)]
rules = [c.inject(f"openat=EIO,path=/etc/{n}") for n, c in enumerate(all)]
say(sorted(set(map(len, rules))))
say(Client(greet=False).receive()["message"])
say([opens(f"/etc/{n}") for n in (0, 100, 255)])
for c in all: c.close()
# Their places are free once their faults are lifted.
def served():
    try: return Client()
    except OSError: return None
while not (c := served()) or c.hello["type"] != "hello": pass
while opens("/etc/255") != "ENOENT": pass
for n in range(1000):
    c.inject(fault); c.lift()
say(opens())
`
  assert.deepEqual(await runClient(program, { timeout: 60_000 }), [
    [1],
    '256 clients are connected, which is the limit',
    ['EIO', 'EIO', 'EIO'],
    'ok',
  ])
})

test('the same calls fail as if the fault had been on the command line, for the same seed', async (t) => {
  if (!requires(t, 'python3')) return
  const by = 'openat=EIO@50%,path=/etc/hostname'
  const opens = 'say([opens() for n in range(60)])'
  const args = ['--seed', '11']
  const [injected] = await runClient(`c = Client(); c.inject("${by}"); ${opens}`, { args })
  const [given] = await runClient(opens, { args: [...args, '--syscall', by] })
  assert.deepEqual(injected, given)
  const fired = (given as string[]).filter((outcome) => outcome === 'EIO').length
  assert.ok(fired > 10 && fired < 50, `${fired}`)
})

test('the socket is private, only for the command, and gone with it', async (t) => {
  if (!requires(t, 'python3')) return
  const running = startClient('say(os.environ["MINDERBINDER_CONTROL"]); sys.stdin.read()')
  const path = (await until(() => linesOf(running.stdout())[0], { what: 'its path' })) as string
  assert.deepEqual(
    [statSync(path).mode & 0o777, statSync(dirname(path)).mode & 0o777],
    [0o600, 0o700],
  )
  const answer = await new Promise<string>((resolve) => {
    let text = ''
    const socket = createConnection(path)
    socket.on('data', (bytes) => {
      text += bytes
    })
    socket.on('close', () => resolve(text))
    socket.on('error', () => {})
  })
  assert.match(answer, /"MB_CONTROL","message":"this process is not one of the command's"/)
  running.child.stdin?.end()
  assert.equal((await running.result).status, 0)
  assert.throws(() => statSync(dirname(path)), { code: 'ENOENT' })
})

test('--user: that user connects, and cannot change the directory', async (t) => {
  if (!requires(t, 'root', 'python3')) return
  const program = `
c = Client(); c.inject(fault)
folder = os.path.dirname(os.environ["MINDERBINDER_CONTROL"])
say([os.getuid() != 0, opens(), outcome(os.unlink, os.environ["MINDERBINDER_CONTROL"]), outcome(os.rename, folder, folder + "x")])
`
  assert.deepEqual(await runClient(program, { args: ['--user', 'nobody'] }), [
    [true, 'EIO', 'EACCES', 'EPERM'],
  ])
})

for (const who of ['node', 'supervisor', 'front'] as const)
  test(`nothing is left after SIGKILL for the ${who}`, async (t) => {
    if (!requires(t, 'python3')) return
    const running = startClient('c = Client(); c.inject(fault); say(opens()); sys.stdin.read()')
    await until(() => linesOf(running.stdout())[0] === 'EIO', { what: 'the fault' })
    const { command, ...ours } = ourProcesses(running.pid)
    const victim = who === 'front' ? running.pid : ours[who]
    const folder = socketFolders().find((name) => name.includes(`-${running.pid}-`))
    assert.ok(folder !== undefined && command !== undefined)
    assert.ok(victim !== undefined && killed(victim))
    await running.exited
    await until(() => !socketFolders().includes(folder), { what: 'no directory' })
    await until(() => !killed(command), { what: 'no command' })
  })

test('what killed processes left, the next start removes, and what lives or is not ours it leaves alone', async (t) => {
  if (!requires(t, 'python3')) return
  const running = startClient('say(1); sys.stdin.read()')
  await until(() => linesOf(running.stdout())[0] === 1, { what: 'the command' })
  const { command, node, supervisor } = ourProcesses(running.pid)
  for (const pid of [running.pid, node, supervisor]) process.kill(pid!, 'SIGSTOP')
  for (const pid of [supervisor, node, running.pid, command]) process.kill(pid!, 'SIGKILL')
  await running.exited
  const other = startClient('say(1); sys.stdin.read()')
  await until(() => linesOf(other.stdout())[0] === 1, { what: 'the other command' })
  const own = (pid: number) => socketFolders().filter((name) => name.includes(`-${pid}-`))
  assert.deepEqual([own(running.pid), own(other.pid).length], [[], 1])
  await runClient('')
  assert.equal(own(other.pid).length, 1)
  other.child.stdin?.end()
  await other.result
})

test('the summary, the log and the report say what clients did, and --require-hit is about the command line', async (t) => {
  if (!requires(t, 'python3')) return
  const program = `
c = Client(); c.inject(fault); opens(); c.lift(); c.inject("openat=EIO,path=/nowhere,name=mine"); opens("/nowhere")`
  const args = [
    '--log',
    '/dev/stdout',
    '--require-hit',
    '--syscall',
    'openat=EACCES,path=/etc/shadow,name=own',
  ]
  const { status, stdout, stderr } = await startClient(program, { args }).result
  assert.equal(status, 122)
  assert.match(stderr, /--control: 1 client injected 2 faults, which fired 2 times$/m)
  assert.match(stderr, /^minderbinder: own {2,}ptrace .* 0$/m)
  assert.doesNotMatch(stderr, /mine|hostname/)
  assert.deepEqual(
    linesOf(stdout).map((line) => {
      const { rule, index, path } = line as Record<string, unknown>
      return [rule, index, path]
    }),
    [
      ['openat=EIO,path=/etc/hostname', 1, '/etc/hostname'],
      ['mine', 2, '/nowhere'],
    ],
  )
  const none = await runMinderbinder(['exec', '--control', '--', 'true'])
  assert.match(
    none.stderr,
    /^minderbinder: --control: no client injected a fault\nminderbinder: to repeat/,
  )
})

test('--control=SET is the reach, has no value without =, and refuses what it cannot go with', async (t) => {
  if (!requires(t, 'python3')) return
  const program = `
c = Client()
say(c.hello["reach"])
say(c.ask(type="inject", faults=["read=EIO"])["code"])`
  assert.deepEqual(await runClient(program, { args: ['--control=openat+close'] }), [
    ['openat', 'close'],
    'MB_NO_ENGINE',
  ])
  const echo = await runMinderbinder(['exec', '-q', '--control', 'echo', '--control', 'x'])
  assert.equal(echo.stdout, '--control x\n')
  for (const [args, message] of [
    [['--control=opena'], /--control: unknown system call 'opena'[\s\S]*did you mean open/],
    [['--control', '--metrics', '9'], /--metrics shows only the faults of the start/],
  ] as const) {
    const { status, stderr } = await runMinderbinder(['exec', ...args, '--', 'true'])
    assert.equal(status, 125)
    assert.match(stderr, message)
  }
  const explained = await runMinderbinder([
    'explain',
    '--control=openat+close',
    '--syscall',
    'read=EIO',
  ])
  assert.match(
    explained.stdout,
    /^--control: the command can fault 2 system calls while it runs, by ptrace$/m,
  )
  const traces = ['explain', '--control', '--syscall', 'read=EIO', '--', 'gdb']
  const { stdout } = await runMinderbinder(traces)
  assert.match(stdout, /while it runs, by seccomp \(not ptrace: gdb traces processes itself\)$/m)
  assert.match(stdout, /engine: seccomp/)
})

test('without --control there is no socket, and an outer one is left as it is', async () => {
  const command = [
    'exec',
    '-q',
    '--syscall',
    'close=EIO@0%',
    '--',
    'sh',
    '-c',
    'echo "$MINDERBINDER_CONTROL"',
  ]
  const env = { MINDERBINDER_CONTROL: undefined }
  assert.equal((await runMinderbinder(command, { env })).stdout, '\n')
  const outer = { MINDERBINDER_CONTROL: '/outer' }
  assert.equal((await runMinderbinder(command, { env: outer })).stdout, '/outer\n')
})
