/** Calls and context switches of the targets are counted, and nobody else's. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { MinderbinderError } from '../../src/errors.ts'
import { readBpfObject } from '../../src/kernel/bpf/file.ts'
import { BpfObject } from '../../src/kernel/bpf/object.ts'
import { createCgroup, destroyCgroup } from '../../src/kernel/cgroup/cgroup.ts'
import { processIdentity } from '../../src/kernel/process/identity.ts'
import { type Counted, TargetStatistics } from '../../src/observe/target-statistics.ts'
import { targetProcess } from '../../src/targets/limits.ts'
import { fixture } from '../helpers/fixture.ts'
import { requires } from '../helpers/requires.ts'
import { type Running, start } from '../helpers/run.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { until } from '../helpers/until.ts'

const known = { succeeding: 5_000, failing: 700, sleeps: 300 }
/** Its reads and writes around the known calls, and what it does when it is told to end. */
const SLACK = 20

/** One whose own start is over: the calls of the loader and of libc would be counted on a busy machine. */
async function caller(): Promise<Running> {
  const { succeeding, failing, sleeps } = known
  const running = start([fixture('known-calls'), `${succeeding}`, `${failing}`, `${sleeps}`])
  await until(() => running.stdout().includes('ready'), { what: 'a start' })
  return running
}

async function letCall(running: Running): Promise<void> {
  running.child.stdin?.write('g')
  await until(() => running.stdout().includes('done'), { what: 'the calls made' })
}

async function letEnd(running: Running): Promise<void> {
  running.child.stdin?.write('g')
  assert.equal((await running.result).status, 0)
}

/** Both make the same calls; only `target` is one. */
async function countsOnlyTheTarget(
  counted: Counted,
  target: Running,
  other: Running,
): Promise<void> {
  const statistics = await TargetStatistics.open(counted)
  try {
    await letCall(other)
    const before = statistics.read()
    assert.ok(before.succeeded + before.failed < SLACK, 'another process is not counted')
    assert.ok(before.contextSwitches < SLACK)
    await letCall(target)
    const { succeeded, failed, contextSwitches } = statistics.read()
    const within = (actual: bigint, least: number, slack: number, what: string) =>
      assert.ok(actual >= least && actual <= least + slack, `${what}: ${actual}, not ${least}`)
    within(succeeded, known.succeeding + known.sleeps, SLACK, 'succeeded')
    within(failed, known.failing, SLACK, 'failed')
    // Whoever else wants the CPU makes more of them.
    within(contextSwitches, known.sleeps, 20_000, 'context switches')
  } finally {
    await statistics.close()
  }
  await letEnd(target)
  await letEnd(other)
}

function statisticsTest(title: string, body: (t: TestContext) => Promise<void>): void {
  test(title, async (t) => {
    if (!requires(t, 'root', 'libbpf', 'cgroup2', 'cc')) return
    const before = systemState()
    await body(t)
    await nothingLeft(before)
  })
}

statisticsTest('a target by its cgroup: its calls and switches, and no others', async (t) => {
  const cgroup = createCgroup(processIdentity(process.pid)!)
  t.after(() => destroyCgroup(cgroup.path))
  const target = await caller()
  writeFileSync(join(cgroup.path, 'cgroup.procs'), `${target.pid}`)
  await countsOnlyTheTarget({ cgroup }, target, await caller())
  await destroyCgroup(cgroup.path)
})

statisticsTest('a target by the map that is shared with the other programs', async (t) => {
  const owner = await BpfObject.load(readBpfObject('stats'), {
    name: 'stats',
    purpose: 'this test',
    programs: [],
    maxEntries: { targets: 1000 },
    rodata: Buffer.alloc(8),
  })
  t.after(() => owner.close())
  const target = await caller()
  const entry = Buffer.alloc(targetProcess.size)
  owner.update('targets', target.pid, entry)
  await countsOnlyTheTarget(
    { targets: owner.map('targets'), turn: owner.map('turn') },
    target,
    await caller(),
  )
  assert.equal(owner.lookup('targets', target.pid, targetProcess.size).length, targetProcess.size)
  owner.close()
})

test('without the privilege it says which', async (t) => {
  if (!requires(t, 'libbpf', 'root')) return
  process.seteuid?.('nobody')
  try {
    await assert.rejects(
      TargetStatistics.open({ targets: 0, turn: 0 }),
      (error) => error instanceof MinderbinderError && error.code === 'MB_NO_PERMISSION',
    )
  } finally {
    process.seteuid?.(0)
  }
})
