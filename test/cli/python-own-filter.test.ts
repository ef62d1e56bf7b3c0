/** clients/python without minderbinder in front: the process of the tests has a filter of its own. */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import test from 'node:test'
import { identities, unprivileged } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, type RunOptions, run, runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { clientsFolder } from '../helpers/transcript.ts'
import { until } from '../helpers/until.ts'

const client = join(clientsFolder, 'python')
const nodeFolder = dirname(process.execPath)
const pathWith = (...folders: string[]) => [...folders, nodeFolder, '/usr/bin:/bin'].join(delimiter)
const env = {
  PYTHONPATH: client,
  PYTHONDONTWRITEBYTECODE: '1',
  MINDERBINDER_CONTROL: undefined,
  PATH: pathWith(dirname(minderbinder)),
}
const python = '/usr/bin/python3'
const program = join(client, 'tests/own_filter.py')
const command = (part: string, ...args: string[]) => [python, program, part, ...args]

async function passes(line: readonly string[], options: RunOptions = {}): Promise<string> {
  const { status, signal, stdout, stderr } = await run(line, { env, ...options })
  assert.equal(status, 0, `${signal} ${stdout}${stderr}`)
  return stdout
}

for (const { title, options } of identities) {
  for (const [what, part, ...args] of [
    ['threads, forked children and programs are covered, in the block and not after it', 'covers'],
    ['each scope hits what it should', 'scopes'],
    ['a forked child has blocks of its own, and does not lift its parent’s', 'forks'],
    ['workers of multiprocessing have filters of their own, or join their parent’s', 'pools'],
    ['a program that the test starts hears whose filter there is', 'execs'],
    ['the supervisor is killed: the block fails, and calls go on', 'killed', 'supervisor'],
    ['node is killed: the block fails, and calls go on', 'killed', 'node'],
  ] as const)
    test(`${title}: ${what}`, async (t) => {
      if (!requires(t, 'python3')) return
      await passes(command(part, ...args), options)
    })

  test(`${title}: the client’s own tests pass without exec --control`, async (t) => {
    if (!requires(t, 'python3')) return
    const line = [python, '-m', 'unittest', 'discover', '-s', join(client, 'tests')]
    const { status, stderr } = await run(line, { env, ...options })
    assert.equal(status, 0, stderr)
    assert.match(stderr, /^Ran 10 tests/m)
  })
}

for (const [what, part] of [
  ['threads that begin at the same moment share one filter', 'threads'],
  ['the reach is that of the first faults, and packets are refused with the reason', 'reach'],
  ['calls that a signal interrupts are repeated', 'signals'],
  ['a thousand blocks leave no descriptor and no thread', 'many'],
] as const)
  test(what, async (t) => {
    if (!requires(t, 'python3')) return
    await passes(command(part), unprivileged.options)
  })

test('a child that is forked at any moment of the start has faults of its own', async (t) => {
  if (!requires(t, 'python3')) return
  for (let i = 0; i < 5; i++) {
    await passes(command('forks_meanwhile'))
    await passes(command('forks_in_c'))
  }
})

test('killed at any moment, neither the supervisor nor its node leaves a call that hangs or fails', async (t) => {
  if (!requires(t, 'python3')) return
  for (const victim of ['supervisor', 'node'])
    for (let after = 0; after < 40; after += 10)
      await passes(command('killed_at_random', victim, `${after + Math.random() * 10}`))
})

test('no call of a forked child that nothing is left to answer waits for ever', async (t) => {
  if (!requires(t, 'python3')) return
  assert.equal(await passes(command('outlives')), 'True\n')
})

test('processes that test at the same time are hit by their own faults only', async (t) => {
  if (!requires(t, 'python3')) return
  const folder = scratch(t)
  const [one, other] = ['hostname', 'passwd'] as const
  await Promise.all([
    passes(command('neighbours', one, other, folder)),
    passes(command('neighbours', other, one, folder)),
  ])
})

test('a process that ends in a block leaves nothing', async (t) => {
  if (!requires(t, 'python3')) return
  for (const [how, status] of [
    ['exit', 3],
    ['kill', null],
  ] as const) {
    const done = await run(command('leaves', how), { env })
    assert.equal(done.status, status, done.stderr)
    for (const pid of done.stdout.trim().split(' '))
      await until(() => !existsSync(`/proc/${pid}`), { what: `the end of ${pid}` })
  }
})

test('under minderbinder exec without --control the error says so', async (t) => {
  if (!requires(t, 'python3')) return
  const under = ['exec', '-q', '--engine', 'seccomp', '--syscall', 'openat=EIO,path=/nowhere', '--']
  const { status, stdout, stderr } = await runMinderbinder([...under, ...command('reason')], {
    env,
  })
  assert.equal(status, 0, stderr)
  assert.match(
    stdout,
    /allows only one: minderbinder exec runs it, with faults and without --control \(start the tests with minderbinder exec --control/,
  )
})

test('where there is no minderbinder, or an old one, the error says what to install', async (t) => {
  if (!requires(t, 'python3')) return
  const folder = scratch(t)
  const saying = (name: string, script: string) => {
    mkdirSync(join(folder, name))
    const path = join(folder, name, 'minderbinder')
    writeFileSync(path, `#!/bin/sh\n${script}\n`)
    chmodSync(path, 0o755)
    return pathWith(join(folder, name))
  }
  const why = (PATH: string, ...args: string[]) =>
    passes(command('why', ...args), { env: { ...env, PATH } })
  assert.match(
    await why(pathWith()),
    /^MB_LAUNCHER there is no minderbinder on PATH \(install .*: npm install --global minderbinder-/,
  )
  for (const [name, script, expected] of [
    ['old', 'exit 2', /^MB_LAUNCHER .*\/old\/minderbinder is of another version/],
    ['new', `echo '{"version":2}'`, /its parts have version 2, and not 1 \(install both from/],
    ['broken', 'echo no node >&2; exit 125', /broken\/minderbinder own-filter fails: no node/],
    ['other', 'echo hello', /other\/minderbinder is not minderbinder, or is broken/],
    ['moved', `echo '{"version":1,"launcher":"/no","library":"/no.so"}'`, /cannot load \/no\.so: /],
  ] as const)
    assert.match(await why(saying(name, script)), expected)
  // As root there is serve, which needs none.
  const without = await passes(command('why', 'without-ctypes'), unprivileged.options)
  assert.match(without, /^MB_LAUNCHER cannot load .*ctypes/)
})

test('it finds the parts of minderbinder through links and scripts', async (t) => {
  if (!requires(t, 'python3')) return
  const folder = scratch(t)
  symlinkSync(minderbinder, join(folder, 'minderbinder'))
  const shim = join(folder, 'shim')
  mkdirSync(shim)
  writeFileSync(join(shim, 'minderbinder'), `#!/bin/sh\nexec ${folder}/minderbinder "$@"\n`)
  chmodSync(join(shim, 'minderbinder'), 0o755)
  for (const where of [folder, shim])
    await passes(command('covers'), { env: { ...env, PATH: pathWith(where) } })
})
