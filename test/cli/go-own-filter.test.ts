/** clients/go without minderbinder in front: the process of the tests has a filter of its own, and as root a serve. */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import test, { after } from 'node:test'
import { compiledGoClient } from '../helpers/go-client.ts'
import { identities, unprivileged } from '../helpers/identity.ts'
import { type Need, requires } from '../helpers/requires.ts'
import { minderbinder, type RunOptions, run, runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { until } from '../helpers/until.ts'

const nodeFolder = dirname(process.execPath)
const pathWith = (...folders: string[]) => [...folders, nodeFolder, '/usr/bin:/bin'].join(delimiter)
const env = { MINDERBINDER_CONTROL: undefined, PATH: pathWith(dirname(minderbinder)) }

const folderOfProgram = scratch({ after: (end) => after(end as () => void) })
let compiling: Promise<string> | undefined

function program(): Promise<string> {
  compiling ??= compiledGoClient(folderOfProgram)
  return compiling
}

/** One part of clients/go/own_filter_test.go. */
async function runPart(part: readonly string[], options: RunOptions = {}) {
  const line = [await program(), '-test.run=TestPart', '-test.v']
  const more = { MINDERBINDER_TEST_PART: part.join(' ') }
  return run(line, { ...options, env: { ...env, ...options.env, ...more } })
}

async function passes(part: readonly string[], options: RunOptions = {}): Promise<string> {
  const { status, signal, stdout, stderr } = await runPart(part, options)
  assert.equal(status, 0, `${signal} ${stdout}${stderr}`)
  assert.match(stdout, /^--- PASS: TestPart/m)
  return stdout
}

for (const { title, options } of identities) {
  for (const [what, ...part] of [
    ['goroutines and programs are covered, in the block and not after it', 'covers'],
    ['a program that the test starts hears whose filter there is', 'execs'],
    ['goroutines that begin at the same moment share one filter', 'goroutines'],
    ['the supervisor is killed: the block fails, and calls go on', 'killed', 'supervisor'],
    ['node is killed: the block fails, and calls go on', 'killed', 'node'],
    ['the keeper is killed: blocks go on', 'killed', 'keeper'],
  ] as const)
    test(`${title}: ${what}`, async (t) => {
      if (!requires(t, 'go')) return
      await passes(part, options)
    })

  test(`${title}: the client’s own tests pass without exec --control`, async (t) => {
    if (!requires(t, 'go')) return
    const { status, stdout, stderr } = await run([await program(), '-test.v'], { env, ...options })
    assert.equal(status, 0, stdout + stderr)
    assert.deepEqual(stdout.match(/^--- SKIP: \S+/gm), [
      '--- SKIP: TestPart',
      '--- SKIP: TestTranscript',
    ])
  })
}

for (const [what, part] of [
  ['the reach is that of the first faults, and packets are refused with the reason', 'reach'],
  ['a thousand blocks leave no descriptor', 'many'],
] as const)
  test(what, async (t) => {
    if (!requires(t, 'go')) return
    await passes([part], unprivileged.options)
  })

test('the filter comes while the runtime and forks make calls that it names', async (t) => {
  if (!requires(t, 'go')) return
  for (let i = 0; i < 5; i++) await passes(['busy'], unprivileged.options)
})

test('as root, serve loses packets and the filter makes calls fail, in one block', async (t) => {
  const needs: Need[] = ['go', 'root', 'libbpf', 'cgroup2', 'linux:6.1']
  if (!requires(t, ...needs)) return
  await passes(['network'])
})

test('killed at any moment, no helper leaves a call that hangs or fails', async (t) => {
  if (!requires(t, 'go')) return
  for (const victim of ['supervisor', 'node'])
    for (let after = 0; after < 40; after += 10)
      await passes(['killed-at-random', victim, `${after + Math.random() * 10}`])
})

test('processes that test at the same time are hit by their own faults only', async (t) => {
  if (!requires(t, 'go')) return
  const folder = scratch(t)
  const [one, other] = ['hostname', 'passwd'] as const
  await Promise.all([
    passes(['neighbours', one, other, folder]),
    passes(['neighbours', other, one, folder]),
  ])
})

test('a process that ends in a block leaves nothing', async (t) => {
  if (!requires(t, 'go')) return
  for (const [how, status] of [
    ['exit', 3],
    ['kill', null],
  ] as const) {
    const done = await runPart(['leaves', how])
    assert.equal(done.status, status, done.stdout + done.stderr)
    const pids = /^pids: (.*)$/m.exec(done.stdout)![1]!.split(' ')
    assert.equal(pids.length, 3)
    for (const pid of pids)
      await until(() => !existsSync(`/proc/${pid}`), { what: `the end of ${pid}` })
  }
})

test('under minderbinder exec without --control the error says so', async (t) => {
  if (!requires(t, 'go')) return
  const under = ['exec', '-q', '--engine', 'seccomp', '--syscall', 'openat=EIO,path=/nowhere', '--']
  const line = [...under, await program(), '-test.run=TestPart', '-test.v']
  const { status, stdout, stderr } = await runMinderbinder(line, {
    env: { ...env, MINDERBINDER_TEST_PART: 'reason' },
  })
  assert.equal(status, 0, stdout + stderr)
  assert.match(
    stdout,
    /allows only one: minderbinder exec runs it, with faults and without --control \(start the tests with minderbinder exec --control/,
  )
})

test('where there is no minderbinder, or an old one, the error says what to install', async (t) => {
  if (!requires(t, 'go')) return
  const folder = scratch(t)
  const saying = (name: string, script: string) => {
    mkdirSync(join(folder, name))
    const path = join(folder, name, 'minderbinder')
    writeFileSync(path, `#!/bin/sh\n${script}\n`)
    chmodSync(path, 0o755)
    return pathWith(join(folder, name))
  }
  const why = async (PATH: string) =>
    /^why: (.*)$/m.exec(await passes(['why'], { env: { PATH }, ...unprivileged.options }))![1]!
  assert.match(
    await why(pathWith()),
    /^MB_LAUNCHER there is no minderbinder on PATH \(install .*: npm install --global minderbinder-/,
  )
  for (const [name, script, expected] of [
    ['old', 'exit 2', /^MB_LAUNCHER .*\/old\/minderbinder is of another version/],
    ['new', `echo '{"version":2}'`, /its parts have version 2, and not 1 \(install both from/],
    ['broken', 'echo no node >&2; exit 125', /broken\/minderbinder own-filter fails: no node/],
    ['other', 'echo hello', /other\/minderbinder is not minderbinder, or is broken/],
    ['moved', `echo '{"version":1,"launcher":"/no"}'`, /cannot start the helper .* \/no: /],
  ] as const)
    assert.match(await why(saying(name, script)), expected)
})
