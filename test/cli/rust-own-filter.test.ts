/** clients/rust without minderbinder in front: the process of the tests has a filter of its own. */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import test, { after, type TestContext } from 'node:test'
import { identities, unprivileged } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, type RunOptions, run, runMinderbinder } from '../helpers/run.ts'
import { buildRustTests } from '../helpers/rust-client.ts'
import { scratch } from '../helpers/scratch.ts'
import { until } from '../helpers/until.ts'

const pathWith = (...folders: string[]) =>
  [...folders, dirname(process.execPath), '/usr/bin:/bin'].join(delimiter)
const PATH = pathWith(dirname(minderbinder))
const bare = { MINDERBINDER_CONTROL: undefined, PATH }

const target = mkdtempSync(join(tmpdir(), 'mb-test-'))
chmodSync(target, 0o755)
after(() => rmSync(target, { recursive: true }))
let built: ReturnType<typeof buildRustTests> | undefined

/** A program of the client's tests; undefined: it cannot be built here, and the test is skipped. */
async function program(t: TestContext, name: string): Promise<string | undefined> {
  if (!requires(t, 'cargo')) return undefined
  built ??= buildRustTests(target)
  return (await built)[name]
}

const command = (own: string, ...parts: string[]) => [
  own,
  ...['--ignored', '--exact', '--nocapture', `--test-threads=${parts.length}`],
  ...parts,
]

/** Parts of the other program. */
const children = new Set(['forks', 'forks_meanwhile', 'execs'])

interface Given {
  readonly options?: RunOptions
  readonly env?: RunOptions['env']
}

/** Runs parts of the program, in one process. */
async function passes(
  t: TestContext,
  parts: string | string[],
  { options, env }: Given = {},
): Promise<string> {
  const names = [parts].flat()
  const own = await program(t, children.has(names[0]!) ? 'own_filter_children' : 'own_filter')
  if (own === undefined) return ''
  const { status, signal, stdout, stderr } = await run(command(own, ...names), {
    ...options,
    env: { ...bare, ...env },
  })
  assert.equal(status, 0, `${signal} ${stdout}${stderr}`)
  assert.match(stdout, new RegExp(`^test result: ok\\. ${names.length} passed`, 'm'))
  return stdout
}

for (const { title, options } of identities) {
  for (const [what, part, env = {}] of [
    ['threads, forked children and programs are covered, in the block and not after it', 'covers'],
    ['each scope hits what it should', 'scopes'],
    ['a forked child has blocks of its own, and does not lift its parent’s', 'forks'],
    ['a program that the test starts hears whose filter there is', 'execs'],
    ['the supervisor is killed: the block fails, and calls go on', 'killed'],
    ['node is killed: the block fails, and calls go on', 'killed', { VICTIM: 'node' }],
  ] as const)
    test(`${title}: ${what}`, async (t) => {
      await passes(t, part, { options, env })
    })

  test(`${title}: tests that cargo runs at the same time are hit by their own faults only`, async (t) => {
    await passes(t, ['beside_one', 'beside_another'], { options })
  })

  test(`${title}: the client’s own tests pass without exec --control`, async (t) => {
    const failures = await program(t, 'failures')
    if (failures === undefined) return
    const { status, stdout, stderr } = await run([failures], { ...options, env: bare })
    assert.equal(status, 0, stdout + stderr)
    assert.match(stdout, /^test result: ok\. 9 passed; 0 failed; 0 ignored;/m)
  })
}

for (const [what, part] of [
  ['available() says which way it is, and why not the others', 'ways'],
  ['threads that begin at the same moment share one filter', 'threads'],
  ['the reach is that of the first faults, and packets are refused with the reason', 'reach'],
  ['calls that a signal interrupts are repeated', 'signals'],
  ['a thousand blocks leave no descriptor and no thread', 'many'],
] as const)
  test(what, async (t) => {
    await passes(t, part, unprivileged)
  })

test('a child that is forked at any moment of the start has faults of its own', async (t) => {
  for (let after = 0; after < 200; after += 25)
    await passes(t, 'forks_meanwhile', { env: { AFTER: `${after}` }, ...unprivileged })
})

test('processes that test at the same time are hit by their own faults only', async (t) => {
  const folder = scratch(t)
  const [one, other] = ['hostname', 'passwd'] as const
  await Promise.all([
    passes(t, 'neighbours', { env: { MINE: one, OTHERS: other, FOLDER: folder } }),
    passes(t, 'neighbours', { env: { MINE: other, OTHERS: one, FOLDER: folder } }),
  ])
})

test('a process that ends in a block leaves nothing', async (t) => {
  const own = await program(t, 'own_filter')
  if (own === undefined) return
  for (const [how, status] of [
    ['exit', 3],
    ['kill', null],
  ] as const) {
    const done = await run(command(own, 'leaves'), { env: { ...bare, HOW: how } })
    assert.equal(done.status, status, done.stdout + done.stderr)
    const [, pids] = /\bhelpers: (.*)$/m.exec(done.stdout) ?? []
    for (const pid of pids!.split(' '))
      await until(() => !existsSync(`/proc/${pid}`), { what: `the end of ${pid}` })
  }
})

test('under minderbinder exec without --control the error says so', async (t) => {
  const own = await program(t, 'own_filter_children')
  if (own === undefined) return
  const under = ['exec', '-q', '--engine', 'seccomp', '--syscall', 'openat=EIO,path=/nowhere', '--']
  const { status, stdout } = await runMinderbinder([...under, ...command(own, 'reason')], {
    env: bare,
    ...unprivileged.options,
  })
  assert.equal(status, 0, stdout)
  assert.match(
    stdout,
    /allows only one: minderbinder exec runs it, with faults and without --control \(start the tests with minderbinder exec --control/,
  )
})

test('where there is no minderbinder, or an old one, the error says what to install', async (t) => {
  const folder = scratch(t)
  const saying = (name: string, script: string) => {
    mkdirSync(join(folder, name))
    const path = join(folder, name, 'minderbinder')
    writeFileSync(path, `#!/bin/sh\n${script}\n`)
    chmodSync(path, 0o755)
    return pathWith(join(folder, name))
  }
  if (!requires(t, 'cargo')) return
  for (const { options } of identities)
    assert.match(
      await passes(t, 'why', { options, env: { PATH: pathWith() } }),
      /\bwhy: there is no minderbinder on PATH \(install .*: npm install --global minderbinder-.*\) \[MB_LAUNCHER\]$/m,
    )
  for (const [name, script, expected] of [
    ['old', 'exit 2', /\bwhy: .*\/old\/minderbinder is of another version/m],
    ['new', `echo '{"version":2}'`, /its parts have version 2, and not 1 \(install both from/],
    ['broken', 'echo no node >&2; exit 125', /broken\/minderbinder own-filter fails: no node/],
    ['other', 'echo hello', /other\/minderbinder is not minderbinder, or is broken/],
    ['moved', `echo '{"version":1,"launcher":"/no","library":"/no.so"}'`, /cannot load \/no\.so: /],
  ] as const)
    assert.match(await passes(t, 'why', { env: { PATH: saying(name, script) } }), expected)
})

test('a program that is linked statically gets an error that says so, and works with exec --control', async (t) => {
  if (!requires(t, 'cargo', 'cc-static')) return
  const folder = scratch(t)
  chmodSync(folder, 0o755)
  const { own_filter, failures } = await buildRustTests(folder, '-C', 'target-feature=+crt-static')
  const { options } = unprivileged
  const { status, stdout } = await run(command(own_filter!, 'why'), { ...options, env: bare })
  assert.equal(status, 0, stdout)
  assert.match(
    stdout,
    /\bwhy: this program is linked statically, .*crt-static, or start .*control/m,
  )
  const controlled = await runMinderbinder(['exec', '-q', '--control', '--', failures!], options)
  assert.equal(controlled.status, 0, controlled.stdout)
})
