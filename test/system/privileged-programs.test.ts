/**
 * A local user chooses what he calls his programs and where he starts them: no fault follows him into one that gains
 * privileges by that. Network rules here; system calls in test/kernel/guest/override-privileges.ts.
 */
import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { acceptConnections, echoDatagrams } from '../helpers/loopback.ts'
import { type Client, programCalled, startClient, startRun } from '../helpers/machine-run.ts'
import { requires } from '../helpers/requires.ts'
import { run, runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

const needs = ['root', 'cgroup2', 'libbpf', 'cc', 'setpriv', 'python3'] as const
const asNobody = ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups', '--']

/** What is done to a program's file, so that whoever runs it gains something. */
const gains = {
  'a set-user-ID bit': async (program: string) => chmodSync(program, 0o4755),
  'a set-group-ID bit': async (program: string) => chmodSync(program, 0o2755),
  // struct vfs_cap_data: CAP_NET_RAW, permitted and effective.
  capabilities: async (program: string) => {
    const set =
      'import os, sys; os.setxattr(sys.argv[1], "security.capability", bytes.fromhex(sys.argv[2]))'
    const done = await run([
      'python3',
      '-c',
      set,
      program,
      '0100000200200000000000000000000000000000',
    ])
    assert.equal(done.status, 0, done.stderr)
  },
}

function loses(port: number, name: string, more = ''): string {
  return `agents_of_chaos:
  outgoing_network:
    - {name: lose, proto: udp, port: ${port}, targets: [{process_name: ${name}}]${more}}
`
}

interface Start {
  /** The program's, or its starter's: a shell that execs it. */
  readonly name: string
  readonly starter?: string
  readonly gain?: keyof typeof gains
}

async function start(t: TestContext, port: number, given: Start): Promise<Client> {
  const shell = given.starter && programCalled(t, given.starter, '/bin/dash')
  const by = (...command: string[]) => [
    ...asNobody,
    ...(shell ? [shell, '-c', '"$@"; exit', 'sh'] : []),
    ...command,
  ]
  const program = programCalled(t, given.name)
  await gains[given.gain ?? 'a set-user-ID bit'](program)
  if (!given.gain) chmodSync(program, 0o755)
  const inPlaceOf = (_: string, ...args: string[]) => by(program, ...args)
  return startClient(t, { name: 'unused', port, by: inPlaceOf })
}

test('run spares what gains privileges, by name and by inheritance, early and late; not its twin without', async (t) => {
  if (!requires(t, ...needs)) return
  const port = await echoDatagrams(t, await acceptConnections(t))
  const starts: readonly Start[] = [
    ...Object.keys(gains).map((gain) => ({ name: 'mb-user', gain: gain as keyof typeof gains })),
    { name: 'mb-child', starter: 'mb-user', gain: 'a set-user-ID bit' },
    { name: 'mb-user' },
    { name: 'mb-child', starter: 'mb-user' },
  ]
  const startAll = () => Promise.all(starts.map((each) => start(t, port, each)))
  const ask = (clients: readonly Client[]) =>
    Promise.all(clients.map((client) => client.ask('udp')))
  const expected = ['answered', 'answered', 'answered', 'answered', 'lost', 'lost']
  const early = await startAll()
  const file = join(scratch(t), 'config.yaml')
  writeFileSync(file, loses(port, 'mb-user'))
  const dry = await runMinderbinder(['run', '--dry-run', file])
  assert.equal(dry.stdout.match(/: spared, since it gained privileges$/gm)?.length, 4, dry.stdout)
  // The two shells, and the twins.
  assert.match(dry.stdout, /^4 processes are targets now$/m)
  const work = await startRun(t, loses(port, 'mb-user'))
  const late = await startAll()
  assert.deepEqual([await ask(early), await ask(late)], [expected, expected])
  // What its ids are later changes nothing, nor do sockets that it makes then.
  await Promise.all(late.map((client) => client.ask('new')))
  assert.deepEqual(await ask(late), expected)
  const result = await work.end()
  assert.match(result.stderr, /^minderbinder: 8 programs with more rights .*--include-setuid/m)
  const all = await startRun(t, loses(port, 'mb-user'), { args: ['--include-setuid'] })
  const later = await startAll()
  const lost = starts.map(() => 'lost')
  assert.deepEqual([await ask(early), await ask(later)], [lost, lost])
  assert.doesNotMatch((await all.end()).stderr, /more rights/)
  await Promise.all([...early, ...late, ...later].map((client) => client.end()))
})

test('exec -u: a target of the command’s own tree is spared, too; not without -u, whose command is root’s', async (t) => {
  if (!requires(t, ...needs)) return
  const port = await echoDatagrams(t, await acceptConnections(t))
  const folder = scratch(t)
  const file = join(folder, 'config.yaml')
  writeFileSync(file, loses(port, 'mb-user'))
  const setuid = programCalled(t, 'mb-user')
  chmodSync(setuid, 0o4755)
  const twin = programCalled(t, 'mb-user')
  for (const [answer, options, command] of [
    ['answered', ['-u', 'nobody'], [setuid]],
    ['lost', ['-u', 'nobody'], [twin]],
    ['lost', ['-u', 'nobody', '--include-setuid'], [setuid]],
    ['lost', [], [...asNobody, setuid]],
  ] as const) {
    const exec = ['exec', ...options, '--config', file, '--', ...command]
    const done = await runMinderbinder([...exec, '127.0.0.1', `${port}`, '400'], {
      input: 'udp\n',
    })
    assert.deepEqual([done.status, done.stdout], [0, `${answer}\n`], done.stderr)
    const spared = /^minderbinder: 1 program with more rights/m
    assert.equal(spared.test(done.stderr), answer === 'answered', done.stderr)
  }
})
