/** What network faults of exec do not reach: it goes on undisturbed, and the summary says so. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmdirSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { ownCgroup } from '../../src/kernel/cgroup/place.ts'
import { CgroupLeavers } from '../../src/session/cgroup-leavers.ts'
import { Namespace } from '../helpers/network-namespace.ts'
import { freshCgroup } from '../helpers/network-target.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, type RunResult, run } from '../helpers/run.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { until } from '../helpers/until.ts'

const needs = ['root', 'cgroup2', 'libbpf', 'python3', 'netns', 'ip', 'unshare'] as const

/** Whether a datagram to a socket of its own comes. */
const sendToSelf = [
  '/usr/bin/python3',
  '-c',
  `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('127.0.0.1', 0))
s.sendto(b'x', s.getsockname())
s.setblocking(False)
try: s.recv(1); print('arrived')
except BlockingIOError: print('lost')
`,
]
/** With lo up, which in a fresh namespace it is not. */
const inNamespace = (...command: string[]) => [
  ...['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'],
  ...command,
]

function exec(fault: string, ...command: string[]): Promise<RunResult> {
  return run([minderbinder, 'exec', '--drop-net', fault, '--', ...command])
}

const note = /did not reach|do not reach/

test('sockets made in another network namespace', async (t) => {
  if (!requires(t, ...needs)) return
  const there = await exec('100%,name=lose', ...inNamespace(...sendToSelf))
  assert.equal(there.stdout, 'arrived\n')
  assert.match(
    there.stderr,
    /: lose did not reach sockets that were made in another network namespace\n/,
  )
  const here = await exec('100%', ...sendToSelf)
  assert.equal(here.stdout, 'lost\n')
  assert.doesNotMatch(here.stderr, note)
})

test('dir=in,interface=lo: not the lo of another network namespace, whose index is the same', async (t) => {
  if (!requires(t, ...needs)) return
  const fault = '100%,dir=in,interface=lo,name=lose'
  const there = await exec(fault, ...inNamespace(...sendToSelf))
  assert.equal(there.stdout, 'arrived\n')
  assert.match(there.stderr, /: lose did not reach sockets that were made in another network/)
  const here = await exec(fault, ...sendToSelf)
  assert.equal(here.stdout, 'lost\n')
  assert.doesNotMatch(here.stderr, note)
  // Without an interface it is for every network namespace.
  const any = await exec('100%,dir=in', ...inNamespace(...sendToSelf))
  assert.equal(any.stdout, 'lost\n')
  assert.doesNotMatch(any.stderr, note)
})

/** A cgroup beside the one of exec. */
function sibling(t: TestContext): string {
  const path = join(ownCgroup().path, `mb-test-${process.pid}`)
  mkdirSync(path)
  t.after(() => rmdirSync(path))
  return path
}

const moved = /process(es)? moved to another cgroup, where network faults do not reach: /

test('a process that moves to another cgroup and is there at the end, and one that stays', async (t) => {
  if (!requires(t, ...needs)) return
  const procs = join(sibling(t), 'cgroup.procs')
  const script = 'echo $$ >"$1" && shift && "$@"; sleep 1000 >/dev/null 2>&1 & echo $!'
  const left = await exec('100%', 'sh', '-c', script, 'sh', procs, ...sendToSelf)
  const [word, sleeper] = left.stdout.split('\n')
  process.kill(Number(sleeper))
  assert.equal(word, 'arrived')
  assert.match(left.stderr, moved)
  assert.match(left.stderr, new RegExp(`: .*sleep ${sleeper}\\n`))
  await until(() => readFileSync(procs, 'utf8') === '', { what: 'an empty cgroup' })
  const stayed = await exec('100%', 'sh', '-c', '"$@"; true', 'sh', ...sendToSelf)
  assert.equal(stayed.stdout, 'lost\n')
  assert.doesNotMatch(stayed.stderr, note)
})

test('when the last process moves out it is seen at once, and known when it has ended', async (t) => {
  if (!requires(t, ...needs)) return
  const [cgroup, elsewhere] = [freshCgroup(t), freshCgroup(t)]
  const child = spawn('sleep', ['1000'])
  t.after(() => child.kill('SIGKILL'))
  writeFileSync(join(cgroup.path, 'cgroup.procs'), `${child.pid}`)
  const leavers = new CgroupLeavers(cgroup.path, child.pid!, 'network faults')
  const watcher = watch(join(cgroup.path, 'cgroup.events'))
  t.after(() => watcher.close())
  // Ours was there before, and so hears of it before.
  const empty = once(watcher, 'change')
  writeFileSync(join(elsewhere.path, 'cgroup.procs'), `${child.pid}`)
  await empty
  child.kill('SIGKILL')
  await once(child, 'exit')
  const [line, ...more] = leavers.notes()
  assert.match(line ?? '', moved)
  assert.match(line ?? '', new RegExp(` sleep ${child.pid}\\b`))
  assert.deepEqual(more, [])
})

test('sockets that the command inherits, and what a listening one accepts', async (t) => {
  if (!requires(t, ...needs)) return
  const before = systemState()
  const program = `
import socket, subprocess, sys
listener = socket.create_server(('127.0.0.1', 0))
plain = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
local, _ = socket.socketpair()
serve = "import socket; c, _ = socket.socket(fileno=%d).accept(); c.sendall(b'served')" % listener.fileno()
child = subprocess.Popen(sys.argv[1:] + ['/usr/bin/python3', '-c', serve], stderr=subprocess.PIPE,
    pass_fds=[each.fileno() for each in (listener, plain, local)])
print(socket.create_connection(listener.getsockname()).recv(10).decode())
print(listener.fileno(), plain.fileno(), local.fileno())
print(child.communicate()[1].decode())
`
  const command = [minderbinder, 'exec', '--drop-net', '100%', '--']
  const { stdout, stderr } = await run(['/usr/bin/python3', '-c', program, ...command])
  const [served, numbers, ...summary] = stdout.split('\n')
  const [listening, plain] = numbers!.split(' ')
  assert.equal(served, 'served', stderr)
  const notes = summary.filter((line) => line.includes('inherited'))
  const inherited = 'minderbinder: the command inherited'
  assert.deepEqual(notes, [
    `${inherited} a listening socket as descriptor ${listening}: network faults do not reach connections accepted there`,
    `${inherited} a socket as descriptor ${plain}: network faults do not reach what goes through it`,
  ])
  await nothingLeft(before)
})

test('in another time namespace after= counts from the start, as elsewhere', async (t) => {
  if (!requires(t, ...needs)) return
  const shifted = ['unshare', '--time', '--boottime', '100000', '--fork', minderbinder]
  const late = (after: string) => [...shifted, 'exec', '--drop-net', `100%,after=${after}`, '--']
  const waits = ['sh', '-c', 'sleep 0.05; exec "$@"', 'sh', ...sendToSelf]
  assert.equal((await run([...late('1ms'), ...waits])).stdout, 'lost\n')
  assert.equal((await run([...late('1000s'), ...waits])).stdout, 'arrived\n')
})

/** As `ip netns exec` does: a new /sys, which hides what is mounted there. */
const coverSys = 'umount -l /sys && mount -t sysfs none /sys && exec "$@"'

test('where /sys is a new one, as under ip netns exec, faults work all the same', async (t) => {
  if (!requires(t, ...needs, 'mount')) return
  const namespace = await Namespace.open(t)
  const before = systemState()
  const covered = (...command: string[]) =>
    run(namespace.inside('unshare', '--mount', 'sh', '-c', coverSys, 'sh', ...command))
  const faulted = await covered(minderbinder, 'exec', '--drop-net', '100%', '--', ...sendToSelf)
  assert.equal(faulted.stdout, 'lost\n', faulted.stderr)
  assert.equal((await covered(...sendToSelf)).stdout, 'arrived\n')
  await nothingLeft(before)
})
