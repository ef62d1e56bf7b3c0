/** clients/python as root, without minderbinder in front: the process of the tests starts `serve --stdio`. */
import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import test from 'node:test'
import { unprivileged } from '../helpers/identity.ts'
import { type Need, requires } from '../helpers/requires.ts'
import { minderbinder, type RunOptions, run } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { clientsFolder } from '../helpers/transcript.ts'

const needs: readonly Need[] = ['root', 'linux:6.1', 'libbpf', 'cgroup2', 'python3']
const client = join(clientsFolder, 'python')
const python = '/usr/bin/python3'
const program = join(client, 'tests/own_serve.py')
const pathWith = (folder: string) =>
  [folder, dirname(process.execPath), '/usr/bin:/bin'].join(delimiter)
const env = {
  PYTHONPATH: client,
  PYTHONDONTWRITEBYTECODE: '1',
  MINDERBINDER_CONTROL: undefined,
  PATH: pathWith(dirname(minderbinder)),
}

/** Nothing is left of it. */
async function ends(line: readonly string[], options: RunOptions = {}) {
  const before = systemState()
  const { status, signal, stdout, stderr } = await run(line, { env, timeout: 60_000, ...options })
  await nothingLeft(before)
  return { status, signal, stdout, stderr }
}

// Python warns of sockets and processes that the client leaves open. Of a fork beside the threads of the filter, too: not here.
const command = (...args: string[]) => [
  ...[python, '-X', 'dev', '-W', 'ignore::DeprecationWarning'],
  ...[program, ...args],
]

async function passes(args: readonly string[], options: RunOptions = {}): Promise<void> {
  const done = await ends(command(...args), options)
  assert.deepEqual(done, { status: 0, signal: null, stdout: '', stderr: '' })
}

for (const [what, ...part] of [
  ['packets are lost in the block, of the process and what it starts, and of no other', 'network'],
  ['one block has faults of both kinds, in any order, and counts them in that order', 'both'],
  ['if one fault of a block cannot be injected, none is', 'all_or_none'],
  ['a thread’s calls and connections fail by the filter', 'thread'],
  ['faults of the filter hit neither the connection to serve nor serve', 'channel'],
  ['serve is killed: the block fails, and another serve takes its place', 'killed'],
  ['serve is killed, and there is a filter: calls go on to fail in blocks', 'killed', 'filter'],
  ['a forked child neither uses nor ends its parent’s serve, and has its own', 'forks'],
  ['threads that begin at the same moment have one serve', 'threads'],
  ['workers of multiprocessing have a serve each', 'pools'],
] as const)
  test(what, async (t) => {
    if (!requires(t, ...needs)) return
    await passes(part)
  })

test('a child that is forked at any moment of the start has a serve of its own', async (t) => {
  if (!requires(t, ...needs)) return
  for (let i = 0; i < 5; i++) await passes(['forks_meanwhile'])
})

test('a process that ends in a block, or after it, leaves nothing', async (t) => {
  if (!requires(t, ...needs)) return
  for (const [how, expected] of [
    ['after the block', { status: 0, signal: null }],
    ['in the block', { status: 3, signal: null }],
    ['killed', { status: null, signal: 'SIGKILL' }],
  ] as const) {
    const { status, signal, stdout, stderr } = await ends(command('ends', how))
    assert.deepEqual({ status, signal }, expected, stderr)
    assert.match(stdout, /^True False \d+\n$/)
  }
})

test('a forked child that outlives its parent does not keep its serve', async (t) => {
  if (!requires(t, ...needs)) return
  const done = await ends(command('outlives'))
  assert.deepEqual(done, { status: 0, signal: null, stdout: 'True\n', stderr: '' })
})

test('serve cannot start: its reason is in the errors, and the filter does what it can', async (t) => {
  if (!requires(t, ...needs)) return
  const folder = scratch(t)
  const parts = JSON.parse((await run([minderbinder, 'own-filter'])).stdout)
  const line = '{"type":"error","id":null,"code":"MB_CONTROL","message":"a reason","hint":"a hint"}'
  const scripts = {
    launcher: `[ "$1" != serve ] || { echo '${line}'; exit 1; }\nexec ${parts.launcher} "$@"`,
    minderbinder: `echo '${JSON.stringify({ ...parts, launcher: join(folder, 'launcher') })}'`,
  }
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`)
    chmodSync(join(folder, name), 0o755)
  }
  await passes(['refuses'], { env: { ...env, PATH: pathWith(folder) } })
})

test('as nobody the way is the filter, and packets are refused with the reason', async (t) => {
  if (!requires(t, ...needs)) return
  await passes(['nobody'], unprivileged.options)
})

const tests = `import unittest
import pytest
from minderbinder import failures
from own_serve import DROP, FAULT, opens, sends

class Packets(unittest.TestCase):
    def tearDown(self):
        self.assertTrue(sends())

    @failures(DROP)
    def test_decorator(self):
        self.assertFalse(sends())

    def test_block(self):
        with failures(DROP, FAULT):
            self.assertEqual((sends(), opens() == 0), (False, False))
        self.assertEqual((sends(), opens() == 0), (True, True))

@pytest.mark.failures(DROP)
def test_marker():
    assert not sends()

def test_fixture(failures):
    assert sends()
    in_force = failures(DROP)
    assert not sends()
    in_force.lift()
    assert sends()

@pytest.mark.failures(DROP)
def test_that_fails():
    pass
`

test('unittest and pytest lose packets in their tests', async (t) => {
  if (!requires(t, ...needs, 'pytest')) return
  const cwd = scratch(t)
  writeFileSync(join(cwd, 'test_packets.py'), tests)
  const options = { cwd, env: { ...env, PYTHONPATH: `${client}:${join(client, 'tests')}` } }
  const byUnittest = await ends([python, '-m', 'unittest', 'test_packets'], options)
  assert.match(byUnittest.stderr, /^Ran 2 tests in .*\n\nOK$/m)
  const pytest = ['-m', 'pytest', '-p', 'no:cacheprovider', '-p', 'pytest_minderbinder']
  const { stdout } = await ends([python, ...pytest, '--strict-markers'], options)
  assert.match(stdout, /^E +minderbinder\.NeverFired: drop-net 100%/m)
  assert.match(stdout, / 1 failed, 4 passed in /)
})
