/** A change on several engines: all of them, or none. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { PreparedChange } from '../../../src/engines/engine.ts'
import { inTurns } from '../../../src/engines/in-turns.ts'
import { failureOf, PreparedChanges } from '../../../src/session/prepared-changes.ts'

const names = ['one', 'two', 'three']

/** What is asked of each, in order. */
function prepares(journal: string[], refusing?: string): (() => Promise<PreparedChange>)[] {
  return names.map((name) => async () => {
    if (name === refusing) throw new Error(`${name} refuses`)
    journal.push(`${name} prepares`)
    return {
      async adopt({ pid }) {
        journal.push(`${name} adopts ${pid}`)
      },
      async commit() {
        journal.push(`${name} commits`)
        return name === 'two' ? { failure: new Error('not cleanly') } : {}
      },
      async abandon() {
        journal.push(`${name} abandons`)
        if (name === 'two') throw new Error('nor that')
      },
    }
  })
}

for (const [place, refusing] of names.entries())
  test(`if ${refusing} refuses, those before it abandon what they have prepared, and none commits`, async () => {
    const journal: string[] = []
    await assert.rejects(PreparedChanges.of(prepares(journal, refusing)), {
      message: `${refusing} refuses`,
    })
    const before = names.slice(0, place)
    assert.deepEqual(journal, [
      ...before.map((name) => `${name} prepares`),
      ...before.reverse().map((name) => `${name} abandons`),
    ])
  })

test('all of them commit at once, what goes wrong then included, and none abandons after that', async () => {
  const journal: string[] = []
  const changes = await PreparedChanges.of(prepares(journal))
  await changes.adopt({ pid: 7, birth: 1n, rules: [] })
  journal.length = 0
  const committing = changes.commit()
  assert.deepEqual(
    journal,
    names.map((name) => `${name} commits`),
  )
  assert.match(String(failureOf(await committing)), /not cleanly/)
  await changes.end()
  assert.equal(journal.length, 3)
  assert.equal(failureOf([{}, {}]), undefined)
})

test('rules of a command that are in maps of the kernel stay as they are, and say so', async () => {
  const begin = async () => ({
    next: async () => assert.fail('nothing follows'),
    snapshot: async () => ({ counts: new Map(), lostEvents: 0n }),
    close: async () => {},
  })
  const engine = inTurns('tc', begin, await begin())
  await assert.rejects(engine.prepare({ add: new Map(), remove: [0] }), {
    code: 'MB_NO_ENGINE',
    message: 'tc: its rules stay as they are while the command runs',
  })
})

test('what an engine did for the rules before is told with the change, though they do not end cleanly', async () => {
  const last = { counts: new Map(), lostEvents: 3n }
  const now = { counts: new Map(), lostEvents: 0n }
  const begin = async () => ({
    next: async () => undefined,
    snapshot: async () => now,
    close: async () => {},
  })
  const failure = new Error('busy')
  const engine = inTurns('tc', begin, {
    next: async () => undefined,
    snapshot: async () => last,
    close: () => Promise.reject(failure),
  })
  const change = { add: new Map([[0, {} as never]]), remove: [0], context: { rules: [], seed: 1n } }
  const prepared = await engine.prepare(change)
  assert.equal(await engine.snapshot(), last)
  assert.deepEqual(await prepared.commit(), { last, failure })
  assert.equal(await engine.snapshot(), now)
  await (await engine.prepare(change)).abandon()
  assert.equal(await engine.snapshot(), now)
})
