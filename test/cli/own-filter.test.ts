/** `minderbinder/testing` without minderbinder in front: the process of the tests has a filter of its own. */
import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { identities, unprivileged } from '../helpers/identity.ts'
import { type RunOptions, run, runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { until } from '../helpers/until.ts'

const root = new URL('../..', import.meta.url).pathname
const program = join(root, 'test/helpers/own-filter-program.js')
const bare = { env: { MINDERBINDER_CONTROL: undefined }, timeout: 30_000 } satisfies RunOptions
const command = (part: string, ...args: string[]) => [process.execPath, program, part, ...args]

async function passes(line: readonly string[], options: RunOptions = {}): Promise<string> {
  const { status, signal, stdout, stderr } = await run(line, { ...bare, ...options })
  assert.equal(status, 0, `${signal} ${stdout}${stderr}`)
  return stdout
}

for (const { title, options } of identities) {
  test(`${title}: threads, node's pool and children are covered, in the block and not after it`, async () => {
    await passes(command('covers'), options)
  })

  test(`${title}: each scope hits what it should`, async () => {
    await passes(command('scopes'), options)
  })

  test(`${title}: minderbinder's own connection is not faulted`, async () => {
    await passes(command('channel'), options)
  })

  for (const victim of ['supervisor', 'node'])
    test(`${title}: the ${victim} is killed: the block fails, and calls go on`, async () => {
      await passes(command('killed', victim), options)
    })
}

test('workers that begin at the same moment share one filter', async () => {
  await passes(command('workers', '6'), unprivileged.options)
})

test('a worker that ends while it starts the helper is in no other’s way', async () => {
  await passes(command('terminated'), unprivileged.options)
})

test('node is killed while a connection waits to be accepted: it is closed', async () => {
  await passes(command('waits'))
})

test('killed at any moment, neither the supervisor nor its node leaves a call that hangs or fails', async () => {
  for (const victim of ['supervisor', 'node'])
    for (let after = 0; after < 40; after += 10)
      await passes(command('killedAtRandom', victim, `${after + Math.random() * 10}`))
})

test('another copy of the package and a child of the test hear whose filter there is', async (t) => {
  await passes(command('others', copyOfPackage(t)))
})

test('under minderbinder exec without --control the error says so', async () => {
  const under = ['exec', '-q', '--engine', 'seccomp', '--syscall', 'openat=EIO,path=/nowhere', '--']
  const { status, stdout, stderr } = await runMinderbinder([...under, ...command('reason')], bare)
  assert.equal(status, 0, stderr)
  assert.match(
    stdout,
    /allows only one: minderbinder exec runs it, with faults and without --control/,
  )
  assert.match(stdout, /^start the tests with minderbinder exec --control/m)
})

test('the reach is that of the first fault, and packets are refused with the reason', async () => {
  await passes(command('reach'), unprivileged.options)
})

test('connections are refused in the block only', async () => {
  await passes(command('refused'), unprivileged.options)
})

test('a block that never ends keeps no process from ending', async () => {
  await passes(command('endless'))
})

test('a thousand blocks leave nothing in memory', async () => {
  const measured = JSON.parse(await passes(command('many')))
  const [before, after] = measured as [number[], number[]]
  const [supervisor, node] = [0, 1].map((at) => after[at]! - before[at]!)
  assert.ok(supervisor! < 256, `the supervisor grew by ${supervisor} KiB`)
  assert.ok(node! < 49_152, `its node grew by ${node} KiB`) // V8 collects when it likes
  // The last connection may still be on its way out.
  for (const at of [2, 3])
    assert.ok(after[at]! <= before[at]! + 2, `${before[at]} descriptors, and then ${after[at]}`)
})

test('the process ends in a block: its child goes on without faults, and then nothing is left', async (t) => {
  const folder = scratch(t)
  const [goOn, read] = [join(folder, 'go-on'), join(folder, 'read')]
  writeFileSync(goOn, '')
  const { status, stdout } = await run(command('leaves', goOn, read), bare)
  assert.equal(status, 3)
  const { supervisor, node, socket } = JSON.parse(stdout)
  const lives = (pid: number) => existsSync(`/proc/${pid}`)
  await until(() => existsSync(read), { what: 'the child reads again' })
  await until(() => !lives(node), { what: 'node has ended' })
  assert.ok(lives(supervisor))
  assert.ok(!existsSync(socket), socket)
  rmSync(goOn)
  await until(() => !lives(supervisor), { what: 'the supervisor has ended' })
})

/** As another version of it would be, in the dependencies of a dependency. */
function copyOfPackage(t: TestContext): string {
  const folder = scratch(t)
  for (const name of ['dist', 'build', 'bin']) mkdirSync(join(folder, name))
  for (const file of ['package.json', 'dist/testing.js', 'dist/errors.js', 'build/own-filter.so'])
    cpSync(join(root, file), join(folder, file))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  symlinkSync(join(root, 'build/launcher'), join(folder, 'build/launcher'))
  return join(folder, 'dist/testing.js')
}
