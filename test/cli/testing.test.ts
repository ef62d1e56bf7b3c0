/** `minderbinder/testing`: withFailures() in tests of node:test, as docs/testing.md shows it. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { failures, type MinderbinderError, withFailures } from '../../src/testing/index.ts'
import { fakeControl } from '../helpers/fake-control.ts'
import { unprivileged } from '../helpers/identity.ts'
import { run, runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

const root = new URL('../..', import.meta.url).pathname
const underControl = ['exec', '--control', '--', process.execPath, '--test']
const bare = { env: { MINDERBINDER_CONTROL: undefined } }

/** A project that has the package installed. */
function project(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = scratch(t)
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules', 'minderbinder'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

/** The files of the page: each block of code follows its name. */
function pageFiles(): Record<string, string> {
  const page = readFileSync(join(root, 'docs/testing.md'), 'utf8')
  const blocks = page.matchAll(/^`([\w.]+)`[^\n]*:\n\n```js\n([\s\S]*?)^```$/gm)
  return Object.fromEntries([...blocks].map(([, name, text]) => [name!, text!]))
}

test('the page: its example passes, and fails if the server forgets the error', async (t) => {
  const files = pageFiles()
  assert.deepEqual(Object.keys(files), ['server.js', 'server.test.mjs'])
  const cwd = project(t, files)
  const alone = { ...bare, cwd, ...unprivileged.options }
  const bareRun = await run([process.execPath, '--test'], alone)
  assert.equal(bareRun.status, 0, bareRun.stdout + bareRun.stderr)
  const passed = await runMinderbinder(underControl, { cwd, ...unprivileged.options })
  assert.equal(passed.status, 0, passed.stdout + passed.stderr)
  assert.match(passed.stderr, /--control: 1 client injected 1 fault, which fired 1 time$/m)
  const careless = files['server.js']!.replace(/.*statusCode.*\n/, '')
  assert.notEqual(careless, files['server.js'])
  writeFileSync(join(cwd, 'server.js'), careless)
  const failed = await runMinderbinder(underControl, { cwd })
  assert.equal(failed.status, 1)
  assert.match(
    failed.stdout + failed.stderr,
    /block failed under: openat=EIO,path=\*greeting.txt fired 1 time/,
  )
  assert.equal((await run([process.execPath, '--test'], alone)).status, 1)
})

test('withFailures() does what it says, in a real server and in its client of HTTPS', async () => {
  const program = join(root, 'test/helpers/failures-program.js')
  const env = { NODE_EXTRA_CA_CERTS: undefined }
  const { status, stdout, stderr } = await runMinderbinder([...underControl, program], {
    env,
    timeout: 60_000,
  })
  assert.equal(status, 0, stdout + stderr)
  const { NODE_EXTRA_CA_CERTS } = env
  const alone = { env: { ...bare.env, NODE_EXTRA_CA_CERTS }, timeout: 60_000 }
  const bareRun = await run([process.execPath, '--test', program], alone)
  assert.equal(bareRun.status, 0, bareRun.stdout + bareRun.stderr)
  assert.match(
    stdout + stderr,
    /minderbinder: the block failed under: openat=EIO,path=\/etc\/hostname fired 1 time; seed \d+/,
  )
})

test('the faults of one test file do not hit another that runs at the same time', async (t) => {
  const prelude = `import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { withFailures } from 'minderbinder/testing'
const until = async (name) => { while (!existsSync(name)) await setTimeout(5) }
`
  const cwd = project(t, {
    'one.test.mjs': `${prelude}test('one', () => withFailures('openat=EIO,path=/etc/hostname', async () => {
      writeFileSync('in-force', '')
      await until('looked')
      assert.throws(() => readFileSync('/etc/hostname'), { code: 'EIO' })
    }))`,
    'two.test.mjs': `${prelude}test('two', async () => {
      await until('in-force')
      readFileSync('/etc/hostname')
      writeFileSync('looked', '')
    })`,
  })
  const concurrent = ['--test-concurrency=2', 'one.test.mjs', 'two.test.mjs']
  const { status, stdout } = await runMinderbinder([...underControl, ...concurrent], { cwd })
  assert.equal(status, 0, stdout)
})

test('minderbinder that is killed in a block ends its tests: none of them passes or hangs', async (t) => {
  const cwd = project(t, {
    'block.test.mjs': `import { test } from 'node:test'
import { withFailures } from 'minderbinder/testing'
test('block', () => withFailures('openat=EIO,path=/nowhere', () => {
  process.kill(Number(process.env.VICTIM ?? process.ppid), 'SIGKILL')
  return new Promise(() => setInterval(() => {}, 1000))
}))`,
  })
  // The parent of the command is the supervisor.
  const script = `VICTIM=$PPID exec "$0" --test`
  const { status } = await runMinderbinder(
    ['exec', '--control', '--', 'sh', '-c', script, process.execPath],
    { cwd },
  )
  assert.equal(status, 125)
})

test('it holds the conversations of the transcript', async (t) => {
  const { path, problems } = await fakeControl(t)
  const before = process.env.MINDERBINDER_CONTROL
  process.env.MINDERBINDER_CONTROL = path
  t.after(() => {
    delete process.env.MINDERBINDER_CONTROL
    if (before !== undefined) process.env.MINDERBINDER_CONTROL = before
  })
  const fault = 'openat=EIO,path=/etc/hostname'
  const block = await withFailures([fault], async (one) => {
    assert.equal(one.seed, '11')
    const { faults } = await one.counts()
    assert.deepEqual(faults, [{ ...countsOf(fault), seen: 2, matched: 1, fired: 1 }])
  })
  assert.deepEqual(block.faults, [{ ...countsOf(fault), seen: 3, matched: 2, fired: 2 }])

  const both = [`${fault},name=one`, 'openat=EACCES,path=/etc/passwd,name=two']
  const first = await failures(both, { scope: 'process' })
  const second = await failures(['openat=EMFILE,path=/etc/group'])
  assert.deepEqual([(await first.end()).injections, (await second.end()).injections], [2, 2])
  const thread = await withFailures([fault], () => 'its value', { scope: 'thread' })
  assert.deepEqual([thread.value, thread.injections], ['its value', 1])

  for (const [given, code, message, hint] of [
    [`${fault}x`, 'MB_NEVER_FIRED', /nearest path was: \/etc\/hostname \(seed 11\)$/, /requireHit/],
    ['open=EIO', 'MB_NEVER_FIRED', /^open=EIO never fired: open was never called/, /openat/],
    ['opena=EIO', 'MB_UNKNOWN_NAME', /unknown system call 'opena'/, /open\?/],
    ['futex=EIO', 'MB_NO_ENGINE', /futex is beyond the reach/, /--control=futex/],
    ['openat=EIO,path=/nowhere', 'MB_CONTROL', /has closed the connection/, /killed/],
  ] as const) {
    const error = await withFailures([given], () => {}).catch((reason: MinderbinderError) => reason)
    assert.ok(error instanceof Error, given)
    assert.equal(error.code, code)
    assert.match(error.message, message)
    assert.match(error.hint ?? '', hint)
  }
  assert.deepEqual(problems(), [])
})

function countsOf(fault: string) {
  return { label: fault, source: `--syscall ${fault}` }
}
