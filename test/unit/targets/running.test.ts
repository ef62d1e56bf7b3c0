/** Which processes run: looked at again only where the kernel side has seen something happen. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import test from 'node:test'
import { CHANGES_MAX, RunningProcesses } from '../../../src/targets/running.ts'

test('a second look lists the processes again only if something has happened to one', async () => {
  const changes = new Uint32Array(CHANGES_MAX)
  const running = new RunningProcesses(() => Uint32Array.from(changes))
  await running.look()
  const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] })
  try {
    await once(child, 'spawn')
    const isListed = async () => (await running.lookAgain()).some(({ pid }) => pid === child.pid)
    assert.equal(await isListed(), false)
    changes[child.pid! % CHANGES_MAX]! += 1 // its fork
    assert.equal(await isListed(), true)
  } finally {
    child.stdin?.end()
    await once(child, 'exit')
  }
})

test('a process that is as it was is the same object; one that has exec’d is looked at again', async () => {
  const changes = new Uint32Array(CHANGES_MAX)
  const running = new RunningProcesses(() => Uint32Array.from(changes))
  const own = async () => (await running.lookAgain()).find(({ pid }) => pid === process.pid)
  const first = await own()
  assert.ok(first)
  changes[(process.pid + 1) % CHANGES_MAX]! += 1 // another's
  assert.equal(await own(), first)
  const unchanged = running.unchanged()
  assert.equal(unchanged(first), true)
  changes[process.pid % CHANGES_MAX]! += 1
  assert.equal(running.unchanged()(first), false)
  assert.notEqual(await own(), first)
})
