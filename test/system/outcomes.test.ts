/** Each outcome does to the call exactly what it says. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { fixture } from '../helpers/fixture.ts'
import { identities, unprivileged } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { call, callsHere } from '../helpers/syscall-number.ts'

const { options } = unprivileged
const under = (fault: string, ...command: readonly string[]) =>
  runMinderbinder(['exec', '-q', '--syscall', fault, '--', ...command], options)
const [unlinks, mkdirs] = [callsHere('unlink', 'unlinkat'), callsHere('mkdir', 'mkdirat')]

test('ret: does not run the call: unlink returns 0 and the file stays', async (t) => {
  if (!requires(t, 'cc')) return
  const file = join(scratch(t), 'file')
  const script = `: >${file}; rm ${file}; cat ${file}`
  const done = await under(`${unlinks}=ret:0`, 'sh', '-c', script)
  assert.deepEqual([done.status, done.stderr], [0, ''])
})

test('an error does not run the call: mkdir fails and makes no folder', async (t) => {
  const folder = join(scratch(t), 'folder')
  const done = await under(`${mkdirs}=EIO`, 'sh', '-c', `mkdir ${folder}; test ! -e ${folder}`)
  assert.equal(done.status, 0)
})

test('delays of many threads run side by side', async (t) => {
  if (!requires(t, 'cc')) return
  const start = performance.now()
  // 40 threads, 5 calls of 100 ms each: half a second and what a slow machine adds, not twenty.
  const done = await under('openat=delay:100ms,path=/dev/null', fixture('loop'), '5', '1', '40')
  const took = performance.now() - start
  assert.equal(done.stdout, '0 of 200\n')
  assert.ok(took >= 500 && took < 15_000, `${took} ms`)
})

test('a delayed call can be interrupted: a signal ends the program at once', async () => {
  const start = performance.now()
  const done = await under('nanosleep+clock_nanosleep=delay:60m', 'timeout', '0.2', 'sleep', '0')
  assert.equal(done.status, 124)
  assert.ok(performance.now() - start < 20_000)
})

test('a process that is killed in its delay has not made the call', async (t) => {
  const folder = join(scratch(t), 'folder')
  const kill = ['timeout', '-s', 'KILL', '0.2', 'mkdir', folder]
  const done = await under(`${mkdirs}=delay:1s`, ...kill)
  assert.equal(done.signal, 'SIGKILL') // timeout(1) does so itself, if it has sent one
  assert.equal(existsSync(folder), false)
})

/** Makes a call while a timer's handler runs: what it returned, its errno, and whether it took as long as the pause. */
const interrupted = `
import ctypes, os, signal, sys, time
number, restart = int(sys.argv[1]), sys.argv[2] == 'restart'
call = ctypes.CDLL(None, use_errno=True).syscall
call.restype = ctypes.c_long
r, w = os.pipe()
os.write(w, b'x')
os.dup2(r, 77)
signal.signal(signal.SIGALRM, lambda *_: None)
signal.siginterrupt(signal.SIGALRM, not restart)
arguments = {'read': (77, ctypes.create_string_buffer(4), 1), 'ppoll': (0,) * 5, 'fsync': (77,)}[sys.argv[3]]
signal.setitimer(signal.ITIMER_REAL, 0.05)
start = time.monotonic()
result = call(number, *arguments)
print(result, ctypes.get_errno() if result < 0 else 0, time.monotonic() - start >= 1)`

for (const engine of ['seccomp', 'ptrace'])
  test(`a caught signal ends a delay as it ends the call, counted once: ${engine}`, async (t) => {
    if (!requires(t, 'python3')) return
    for (const [name, how, said] of [
      ['read', 'interrupt', '-1 4 False'],
      ['read', 'restart', '1 0 True'],
      // Never restarted, and never interrupted, whatever the handler's flags.
      ['ppoll', 'restart', '-1 4 False'],
      ['fsync', 'interrupt', '-1 22 True'],
    ] as const) {
      const fault = `${name}=delay:1s${name === 'ppoll' ? '' : ',fd=77'}`
      const program = ['/usr/bin/python3', '-c', interrupted, call(name), how, name]
      const args = ['exec', '--engine', engine, '--syscall', fault, '--', ...program]
      const done = await runMinderbinder(args, options)
      assert.equal(done.stdout, `${said}\n`, `${name} ${how}: ${done.stderr}`)
      assert.match(done.stderr, new RegExp(` ${engine} +1 +1 +1$`, 'm'), `${name} ${how}`)
    }
  })

for (const { title, options } of identities)
  test(`signal: the caller gets it at the call, ${title}`, async (t) => {
    if (!requires(t, 'cc')) return
    for (const name of ['SIGKILL', 'SIGTERM', 'SIGSEGV', 'SIGUSR1'] as const) {
      const fault = ['exec', '-q', '--syscall', `getppid=signal:${name}`, '--']
      const done = await runMinderbinder([...fault, fixture('syscall'), call('getppid')], options)
      assert.equal(done.signal, name)
    }
  })

const byPtrace = (fault: string, ...command: readonly string[]) =>
  runMinderbinder(['exec', '--engine', 'ptrace', '--syscall', fault, '--', ...command], options)

/** Ends the process when its call has been made; if it never is, the limit of the test ends all. */
const endAfterCall = (deadly: string, folder: string) =>
  `mkdir ${folder} & until [ -d ${folder} ]; do sleep 0.05; done; kill -s ${deadly} $!; wait $!; echo $?`

for (const [deadly, status] of [
  ['KILL', 137],
  ['TERM', 143],
] as const)
  test(`a process that SIG${deadly} ends before its call returns has made the call`, async (t) => {
    const script = endAfterCall(deadly, join(scratch(t), 'folder'))
    const done = await byPtrace(`${mkdirs}=delay-exit:60m`, 'sh', '-c', script)
    assert.equal(done.stdout, `${status}\n`, done.stderr)
  })

/** A caught signal comes while the call waits; its handler writes what read waits for. Prints as above, and the bytes. */
const late = `
import ctypes, os, signal, sys, time
number, restart = int(sys.argv[1]), sys.argv[2] == 'restart'
call = ctypes.CDLL(None, use_errno=True).syscall
call.restype = ctypes.c_long
r, w = os.pipe()
os.dup2(r, 77)
times = []
WRITE = ctypes.CFUNCTYPE(None, ctypes.c_int)(lambda _: (times.append(time.monotonic()), os.write(w, b'xyz')) and None)
class Action(ctypes.Structure):
    _fields_ = [('handler', ctypes.c_void_p), ('mask', ctypes.c_ulong * 16), ('flags', ctypes.c_int), ('restorer', ctypes.c_void_p)]
action = Action(ctypes.cast(WRITE, ctypes.c_void_p).value, (ctypes.c_ulong * 16)(), 0x10000000 if restart else 0, None)
ctypes.CDLL(None).sigaction(int(signal.SIGALRM), ctypes.byref(action), None)
signal.setitimer(signal.ITIMER_REAL, 0.1)
result = call(number, 77, ctypes.create_string_buffer(4), 4)
print(result, ctypes.get_errno() if result < 0 else 0, time.monotonic() - times[0] >= 0.5)`

test('a call that a signal ends returns late when it is made again, and is counted once', async (t) => {
  if (!requires(t, 'python3')) return
  for (const [how, said] of [
    ['restart', '3 0 True'],
    ['interrupt', '-1 4 False'],
  ] as const) {
    const program = ['/usr/bin/python3', '-c', late, call('read'), how]
    const done = await byPtrace('read=delay-exit:500ms,fd=77', ...program)
    assert.equal(done.stdout, `${said}\n`, `${how}: ${done.stderr}`)
    assert.match(done.stderr, / ptrace +1 +1 +1$/m, how)
  }
})

test('calls return late from which other processes and programs begin', async (t) => {
  if (!requires(t, 'cc', 'python3')) return
  const took = async (fault: string, ...command: readonly string[]) => {
    const start = performance.now()
    const done = await byPtrace(fault, ...command)
    assert.equal(done.status, 0, done.stderr)
    return performance.now() - start
  }
  assert.ok((await took('execve=delay-exit:1s', 'env', 'env', 'true')) >= 2000)
  // By a thread that is not its process's first: the first one's number becomes its own.
  assert.ok((await took('execve=delay-exit:1s', fixture('matrix'), 'thread-exec')) >= 1000)
  const forks =
    'import os\nfor _ in range(2):\n  pid = os.fork() or os._exit(0)\n  os.waitpid(pid, 0)'
  assert.ok((await took('%fork=delay-exit:1s', '/usr/bin/python3', '-c', forks)) >= 2000)
  const spawns = "import subprocess\nfor _ in range(2): subprocess.run(['true'])"
  assert.ok((await took('%fork=delay-exit:1s', '/usr/bin/python3', '-c', spawns)) >= 2000)
})

test('a call that is cut returns late', async (t) => {
  if (!requires(t, 'python3')) return
  const program = `
import os, time
r, w = os.pipe()
os.write(w, b'abc')
os.dup2(r, 77)
start = time.monotonic()
print(os.read(77, 3), os.read(77, 3), time.monotonic() - start >= 0.4)`
  const fault = 'read=short:1+delay-exit:200ms,fd=77'
  const done = await byPtrace(fault, '/usr/bin/python3', '-c', program)
  assert.equal(done.stdout, "b'a' b'b' True\n", done.stderr)
})
