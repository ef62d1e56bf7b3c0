/** What engines have done, of one moment, and put together; and what seccomp asks of the child's start. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { EngineSnapshot, Supervisor } from '../../../src/engines/engine.ts'
import { seccomp } from '../../../src/engines/supervised/seccomp.ts'
import { collectCounts } from '../../../src/engines/totals.ts'
import { levelBelow } from '../../../src/kernel/bpf/aim.ts'
import type { SupervisorCounts } from '../../../src/launch/counts-frame.ts'
import { parseSyscallFault } from '../../../src/rules/grammar.ts'
import { noCounts, type RuleCounts } from '../../../src/rules/rule.ts'

const counted = (seen: bigint): RuleCounts => ({ ...noCounts, seen })

function engine(snapshot: EngineSnapshot) {
  return { snapshot: async () => snapshot }
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

/** As the launcher: counts of the rules that it does, and a journal of what was asked of it. */
function supervisor(journal: string[]): Supervisor {
  const counts: SupervisorCounts = {
    rules: new Map([
      [0, counted(1n)],
      [2, counted(3n)],
    ]),
    lostEvents: 6n,
    foreignCalls: 0n,
    interruptedCalls: 1n,
    unsentSignals: 0n,
    sparedCalls: 0n,
    unreadLoaders: 0n,
    refusedTracers: 0n,
    nearPaths: new Map(),
  }
  return {
    async counts() {
      journal.push('counts')
      return counts
    },
    async prepare() {
      journal.push('prepare')
      return {
        async commit() {
          journal.push('commit')
          return counts
        },
        abandon: () => journal.push('abandon'),
      }
    },
    onOuter() {},
    sendToOuter() {},
    giveUp() {},
    async lift() {
      journal.push('lift')
    },
  }
}

test('seccomp names the rules that the supervisor answers before anything is asked of it', async () => {
  const journal: string[] = []
  const context = { rules: [], seed: 1n, supervisor: supervisor(journal) }
  const attached = await seccomp.attach(context, [0, 2])
  assert.deepEqual(attached.child, { supervised: [0, 2], traces: false, scope: undefined })
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

test('seccomp asks the supervisor before a change is in force, and again when it is to be', async () => {
  const journal: string[] = []
  const scope = { capacity: 3, reach: new Set(['openat']) }
  const context = { rules: [], seed: 1n, supervisor: supervisor(journal), scope }
  const attached = await seccomp.attach(context, [0, 2])
  const add = new Map([[3, parseSyscallFault('openat=EIO', { arch: 'x86_64' })]])
  await assert.rejects(attached.prepare({ add: new Map([...add, [4, add.get(3)!]]), remove: [] }), {
    code: 'MB_FAULT_VALUE',
  })
  assert.deepEqual(journal, [])
  await (await attached.prepare({ add, remove: [] })).abandon()
  assert.deepEqual(journal.splice(0), ['prepare', 'abandon'])
  // The room is still there.
  assert.deepEqual(await (await attached.prepare({ add, remove: [] })).commit(), {})
  assert.deepEqual(journal, ['prepare', 'commit'])
  await assert.rejects(attached.prepare({ add, remove: [] }), /4 rules would be in force/)
})

test('a supervisor that dies at a commit is a failure, not a refusal', async () => {
  const death = new Error('it died')
  const dying: Supervisor = {
    ...supervisor([]),
    prepare: async () => ({
      commit: () => Promise.reject(death),
      abandon: () => {},
    }),
  }
  const attached = await seccomp.attach({ rules: [], seed: 1n, supervisor: dying }, [0])
  const prepared = await attached.prepare({ add: new Map(), remove: [0] })
  assert.deepEqual(await prepared.commit(), { failure: death })
})

test('without a command, seccomp does not attach', async () => {
  await assert.rejects(seccomp.attach({ rules: [], seed: 1n }, [0]), /without a command/)
})

test('the depth below the real root counts, or what is seen of it if that was not found out', () => {
  assert.equal(levelBelow(3, { level: 1 }), 4)
  assert.equal(levelBelow(undefined, { level: 1 }), 1)
  assert.equal(levelBelow(64, { level: 1 }), 1)
})
