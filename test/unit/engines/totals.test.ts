/** What engines have done, of one moment, and put together; and what seccomp asks of the child's start. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { AttachedEngine, EngineSnapshot, Supervisor } from '../../../src/engines/engine.ts'
import { seccomp } from '../../../src/engines/seccomp/engine.ts'
import { collectCounts } from '../../../src/engines/totals.ts'
import { levelBelow } from '../../../src/kernel/bpf/aim.ts'
import type { SupervisorCounts } from '../../../src/launch/counts-frame.ts'
import { noCounts, type RuleCounts } from '../../../src/rules/rule.ts'

const counted = (seen: bigint): RuleCounts => ({ ...noCounts, seen })

function engine(snapshot: EngineSnapshot): AttachedEngine {
  return { snapshot: async () => snapshot, close: async () => {} }
}

test('totals are in the order of the plan', async () => {
  const totals = await collectCounts(4, [
    engine({
      counts: new Map([
        [2, counted(2n)],
        [0, counted(1n)],
      ]),
      lostEvents: 3n,
      foreignCalls: 5n,
      notes: ['first'],
    }),
    engine({
      counts: new Map([[1, counted(7n)]]),
      lostEvents: 4n,
      nearPaths: new Map([[1, ['/a']]]),
    }),
  ])
  assert.deepEqual(
    totals.counts.map(({ seen }) => seen),
    [1n, 7n, 2n, 0n],
  )
  assert.deepEqual([totals.lostEvents, totals.foreignCalls], [7n, 5n])
  assert.deepEqual([...totals.nearPaths], [[1, ['/a']]])
  assert.deepEqual(totals.notes, ['first'])
})

/** As the launcher: counts of three rules, and a journal of what was asked of it. */
function supervisor(journal: string[]): Supervisor {
  const counts: SupervisorCounts = {
    rules: [counted(1n), counted(2n), counted(3n)],
    lostEvents: 6n,
    foreignCalls: 0n,
    interruptedCalls: 1n,
    unsentSignals: 0n,
    sparedCalls: 0n,
    unreadLoaders: 0n,
    nearPaths: new Map(),
  }
  return {
    async counts() {
      journal.push('counts')
      return counts
    },
    async lift() {
      journal.push('lift')
    },
  }
}

test('seccomp names the rules that the supervisor answers before anything is asked of it', async () => {
  const journal: string[] = []
  const context = { rules: [], seed: 1n, supervisor: supervisor(journal) }
  const attached = await seccomp.attach(context, [0, 2])
  assert.deepEqual(attached.child, { notified: [0, 2] })
  assert.deepEqual(journal, [])
  const { counts, lostEvents, notes } = await attached.snapshot()
  assert.deepEqual(
    [...counts],
    [
      [0, counted(1n)],
      [2, counted(3n)],
    ],
  )
  assert.equal(lostEvents, 6n)
  assert.match(notes?.join() ?? '', /^1 call was interrupted by a signal/)
  await attached.lift?.()
  await attached.close()
  assert.deepEqual(journal, ['counts', 'lift'])
})

test('without a command, seccomp does not attach', async () => {
  await assert.rejects(seccomp.attach({ rules: [], seed: 1n }, [0]), /without a command/)
})

test('the depth below the real root counts, or what is seen of it if that was not found out', () => {
  assert.equal(levelBelow(3, { level: 1 }), 4)
  assert.equal(levelBelow(undefined, { level: 1 }), 1)
  assert.equal(levelBelow(64, { level: 1 }), 1)
})
