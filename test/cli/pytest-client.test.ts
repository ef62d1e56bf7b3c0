/** clients/python as pip installs it, and what it gives pytest. */
import assert from 'node:assert/strict'
import { chmodSync, cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import test, { after } from 'node:test'
import { identities } from '../helpers/identity.ts'
import { type Need, requires } from '../helpers/requires.ts'
import { minderbinder, type RunOptions, run, runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { clientsFolder } from '../helpers/transcript.ts'

const needs: readonly Need[] = ['pip', 'pytest']
const python = '/usr/bin/python3'
const pytest = [python, '-m', 'pytest', '-p', 'no:cacheprovider', '--strict-markers']

const folder = mkdtempSync(join(tmpdir(), 'mb-test-'))
chmodSync(folder, 0o755)
after(() => rmSync(folder, { recursive: true }))
let site: Promise<string> | undefined

/** Where pip has put the package, once for the whole file: for PYTHONPATH. */
function installed(): Promise<string> {
  site ??= install()
  return site
}

async function install(): Promise<string> {
  const source = join(folder, 'source')
  cpSync(join(clientsFolder, 'python'), source, { recursive: true })
  const options = ['--quiet', '--no-index', '--no-cache-dir', '--root-user-action=ignore']
  const target = join(folder, 'site')
  const done = await run([python, '-m', 'pip', 'install', ...options, '--target', target, source])
  assert.equal(done.status, 0, done.stderr)
  return target
}

/** Without minderbinder in front. */
async function alone(args: readonly string[], options: RunOptions) {
  const env = {
    PYTHONPATH: await installed(),
    PYTHONDONTWRITEBYTECODE: '1',
    MINDERBINDER_CONTROL: undefined,
    PATH: [dirname(minderbinder), process.env.PATH].join(delimiter),
  }
  return run([...pytest, ...args], { ...options, env: { ...env, ...options.env } })
}

async function tests(args: readonly string[], options: RunOptions) {
  const env = { PYTHONPATH: await installed(), PYTHONDONTWRITEBYTECODE: '1' }
  return runMinderbinder(['exec', '-q', '--control', '--', ...pytest, ...args], { ...options, env })
}

test('pip installs it offline, and its marker and its fixture do what they say', async (t) => {
  if (!requires(t, ...needs)) return
  const files = readdirSync(await installed()).filter((name) => !name.startsWith('__'))
  assert.deepEqual(files.sort(), [
    'minderbinder',
    'minderbinder-0.1.0.dist-info',
    'pytest_minderbinder.py',
  ])
  for (const { options } of identities) {
    const file = join(clientsFolder, 'python/tests/with_pytest.py')
    for (const { status, stdout } of [await tests([file], options), await alone([file], options)]) {
      assert.equal(status, 0, stdout)
      assert.match(stdout, / 7 passed in /)
    }
  }
})

test('a fault that never fired fails its test, and one that fails says the seed', async (t) => {
  if (!requires(t, ...needs)) return
  const cwd = scratch(t)
  const fault = 'openat=EIO,path=/etc/hostname'
  writeFileSync(
    join(cwd, 'test_failing.py'),
    `import pytest
@pytest.mark.failures("${fault}")
def test_marker(): pass
def test_fixture(failures): failures("${fault}")
@pytest.mark.failures("${fault}")
def test_of_its_own(): open("/etc/hostname")
@pytest.mark.failures("${fault}", require_hit=False)
def test_may_miss(): pass
`,
  )
  const { status, stdout } = await tests(['-rfE'], { cwd })
  assert.equal(status, 1)
  const results = stdout.match(/^(FAILED|ERROR) .*/gm)!
  assert.equal(results.length, 3, stdout)
  assert.match(results[0]!, /::test_marker - minderbinder\.NeverFired: openat=EIO/)
  assert.match(results[1]!, /::test_fixture - minderbinder\.NeverFired: openat=EIO/)
  assert.match(results[2]!, /::test_of_its_own - OSError: \[Errno 5\]/)
  assert.match(stdout, /^minderbinder: the block failed under: .* fired 1x; seed \d+$/m)

  const PATH = '/usr/bin:/bin'
  const bare = await alone(['-rf', '-k', 'may_miss'], { cwd, env: { PATH } })
  assert.equal(bare.status, 1)
  assert.match(bare.stdout, /^E +minderbinder\.Error: there is no minderbinder on PATH/m)
})

/** As pytest-xdist has it: a test process without faults starts the others, which run the same tests at the same time. */
test('processes of pytest that run at the same time have a filter each', async (t) => {
  if (!requires(t, ...needs)) return
  const cwd = scratch(t)
  const file = join(clientsFolder, 'python/tests/with_pytest.py')
  writeFileSync(
    join(cwd, 'test_workers.py'),
    `import subprocess, sys
def test_workers():
    line = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "${file}"]
    workers = [subprocess.Popen(line, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [worker.communicate()[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0], said
    with open("/proc/self/status") as status:
        seccomp = [line for line in status if line.startswith("Seccomp:")]
    with open("/proc/1/status") as status:
        assert seccomp == [line for line in status if line.startswith("Seccomp:")]
`,
  )
  const { status, stdout } = await alone([], { cwd, timeout: 60_000 })
  assert.equal(status, 0, stdout)
})
