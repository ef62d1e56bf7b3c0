/** port=, to= and proto= of system calls, and --refuse-net without root: one peer's calls fail, and no others. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { unprivileged } from '../helpers/identity.ts'
import { acceptConnections, echoDatagrams } from '../helpers/loopback.ts'
import { requires } from '../helpers/requires.ts'
import { runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

const { options } = unprivileged
const engines = ['seccomp', 'ptrace'] as const
const script = new URL('../fixtures/peers.py', import.meta.url).pathname

/** Two of each, so that there is another one. */
async function ports(t: TestContext): Promise<readonly string[]> {
  const hold = (socket: { on(event: 'error', listener: () => void): unknown }) =>
    socket.on('error', () => {})
  return [
    ...[await acceptConnections(t, hold), await acceptConnections(t, hold)],
    ...[await echoDatagrams(t), await echoDatagrams(t)],
  ].map(String)
}

for (const engine of engines)
  test(`${engine}: calls on sockets to one port fail, by address, by connection and by protocol`, async (t) => {
    if (!requires(t, 'python3', 'ipv6')) return
    const [tcp, otherTcp, udp, otherUdp] = (await ports(t)) as [string, string, string, string]
    const faults = [
      `sendto=ECONNRESET,port=${tcp}`,
      `write=EPIPE,proto=tcp,port=1+${tcp},to=::2+127.0.0.0/8`,
      `write=EIO,to=10.0.0.0/8+::2,to=127.0.0.2`,
      `sendto=EPERM,port=${udp},proto=udp`,
      `sendto=EIO,port=${udp},proto=tcp`,
      `sendmsg=EACCES,to=127.0.0.1,port=1-${udp}`,
      `setsockopt=EINVAL,port=${tcp},port=2`,
      `recvfrom=ETIMEDOUT,port=${tcp}`,
    ].flatMap((fault) => ['--syscall', fault])
    const command = ['/usr/bin/python3', script, tcp, otherTcp, udp, otherUdp]
    const done = await runMinderbinder(
      ['exec', '-q', '--engine', engine, ...faults, '--', ...command],
      options,
    )
    const other = Number(otherUdp) <= Number(udp) ? 'EACCES' : 'ok'
    assert.deepEqual(done.stdout.split('\n').slice(0, -1), [
      ...['send ECONNRESET', 'write EPIPE', 'send, UDP EPERM', 'sendto EPERM'],
      ...['sendmsg EACCES', 'sendmsg, connected EACCES', 'sendto, mapped EPERM'],
      ...['setsockopt EINVAL', 'recv ETIMEDOUT', 'send, thread ECONNRESET'],
      ...['other send ok', 'other write ok', 'other send, UDP ok', 'other sendto ok'],
      ...[`other sendmsg ${other}`, `other sendmsg, connected ${other}`, 'other sendto, mapped ok'],
      ...['other setsockopt ok', 'other recv EAGAIN', 'other send, thread ok'],
      ...['send, unix ok', 'write, pipe ok'],
    ])
    assert.equal(done.status, 0, done.stderr)
  })

/** Answers `here`. */
async function httpServer(t: TestContext): Promise<number> {
  const server = createServer((_, response) => response.end('here')).listen(0, '127.0.0.1')
  t.after(() => server.close().closeAllConnections())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const python = `
import sys, urllib.request, urllib.error
for port in sys.argv[1:]:
    try: print(urllib.request.urlopen(f'http://127.0.0.1:{port}/').read().decode())
    except urllib.error.URLError as error: print(error.reason.strerror)
`

for (const engine of engines)
  test(`${engine}: --refuse-net without root refuses one port to curl and to Python, and no other`, async (t) => {
    if (!requires(t, 'curl', 'python3')) return
    const [port, other] = [await httpServer(t), await httpServer(t)]
    const log = join(scratch(t), 'log')
    const fetch = `curl -s http://127.0.0.1:$0/; echo $?; curl -s http://127.0.0.1:$1/; echo; /usr/bin/python3 -c "$2" $0 $1`
    const done = await runMinderbinder(
      [
        ...['exec', '--engine', engine, '--log', log, '--refuse-net', `port=${port}`],
        ...['--', 'sh', '-c', fetch, `${port}`, `${other}`, python],
      ],
      options,
    )
    assert.equal(done.stdout, '7\nhere\nConnection refused\nhere\n', done.stderr)
    assert.match(done.stderr, new RegExp(`refuse-net port=${port} +${engine} +4 +2 +2\n`))
  })

test('--refuse-net without root: UDP is left alone unless it is named, and Unix sockets are not seen', async (t) => {
  if (!requires(t, 'python3')) return
  const connects = `
import socket
for family, kind, to in ((socket.AF_INET, socket.SOCK_DGRAM, ('127.0.0.1', 9)), (socket.AF_UNIX, socket.SOCK_STREAM, '/nowhere')):
    try: socket.socket(family, kind).connect(to); print('ok')
    except OSError as error: print(error.strerror)
`
  const runs = [
    ['refuse-net 100% +ptrace +1 +0 +0', '100%', 'ok\nNo such file or directory\n'],
    [
      'refuse-net proto=udp +ptrace +1 +1 +1',
      'proto=udp',
      'Connection refused\nNo such file or directory\n',
    ],
    [
      'refuse-net after=100s +ptrace +1 +0 +0',
      'after=100s,proto=udp',
      'ok\nNo such file or directory\n',
    ],
  ] as const
  for (const [counts, fault, printed] of runs) {
    const done = await runMinderbinder(
      ['exec', '--refuse-net', fault, '--', '/usr/bin/python3', '-c', connects],
      options,
    )
    assert.equal(done.stdout, printed)
    assert.match(done.stderr, new RegExp(counts.replace('after=100s', 'after=100s,proto=udp')))
  }
})

test('a socket that may not be looked into is counted, and its calls are let pass', async (t) => {
  if (!requires(t, 'python3')) return
  const [tcp] = await ports(t)
  // PR_SET_DUMPABLE 0
  const hidden = `
import ctypes, socket
s = socket.create_connection(('127.0.0.1', ${tcp}))
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
print(s.send(b'x'))
`
  const done = await runMinderbinder(
    ['exec', '--syscall', `sendto=EPERM,port=${tcp}`, '--', '/usr/bin/python3', '-c', hidden],
    options,
  )
  assert.equal(done.stdout, '1\n')
  assert.match(done.stderr, /never fired: 1 call, whose socket could not be read\n/)
})
