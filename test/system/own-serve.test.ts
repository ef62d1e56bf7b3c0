/** `minderbinder/testing` as root, without minderbinder in front: the process of the tests starts `serve --stdio`. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { requires } from '../helpers/requires.ts'
import { type RunOptions, run } from '../helpers/run.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'

const program = join(import.meta.dirname, '../helpers/own-serve-program.js')
const bare = { env: { MINDERBINDER_CONTROL: undefined }, timeout: 60_000 } satisfies RunOptions

/** Runs a part, which succeeds, or ends with that status; nothing is left of it. */
async function passes(t: TestContext, line: readonly string[], expected = 0): Promise<string> {
  if (!requires(t, 'root', 'linux:6.1', 'libbpf', 'cgroup2')) return ''
  const before = systemState()
  const { status, signal, stdout, stderr } = await run([process.execPath, program, ...line], bare)
  assert.equal(status, expected, `${signal} ${stdout}${stderr}`)
  await nothingLeft(before)
  return stdout
}

test('packets are lost in the block, of the process and what it starts, and of no other', async (t) => {
  await passes(t, ['network'])
})

test('one block has faults of both kinds, in any order, and counts them in that order', async (t) => {
  await passes(t, ['both'])
})

test('if one fault of a block cannot be injected, none is', async (t) => {
  await passes(t, ['allOrNone'])
})

test('a thread’s calls and connections fail by the filter', async (t) => {
  await passes(t, ['thread'])
})

test('faults of the filter hit neither the connection to serve nor serve', async (t) => {
  await passes(t, ['channel'])
})

test('serve is killed: the block fails, and another serve takes its place', async (t) => {
  await passes(t, ['killed'])
})

test('serve is killed, and the process has a filter: system calls go on to fail in blocks', async (t) => {
  await passes(t, ['killed', 'filter'])
})

test('each worker thread has a serve of its own, unless there is a filter before', async (t) => {
  await passes(t, ['workers'])
})

test('test files of one process have the same serve, although each loads the library', async (t) => {
  await passes(t, ['again'])
})

test('neither serve nor a block that never ends keeps the process from ending', async (t) => {
  if (!requires(t, 'root')) return
  assert.equal(await passes(t, ['endless']), 'false 1')
  assert.equal(await passes(t, ['endless', 'both']), 'false 1')
})

test('a process that exits in a block leaves nothing', async (t) => {
  if (!requires(t, 'root')) return
  assert.equal(await passes(t, ['exits'], 3), 'false')
})
