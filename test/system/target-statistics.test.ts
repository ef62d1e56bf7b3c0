/** Calls and context switches of the targets are counted, and those of other processes are not. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
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
import { has, requires } from '../helpers/requires.ts'
import { type Running, start } from '../helpers/run.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { until } from '../helpers/until.ts'

const known = { succeeding: 5_000, failing: 700, sleeps: 300 }
/** By the way of 32-bit programs, where the kernel has it: getppid() by the number of semget(). */
const foreign = takesForeignCalls() ? 90 : 0
/** Its reads and writes around the known calls, and what it does when it is told to end. */
const SLACK = 20
/** What libc's nanosleep() calls. */
const sleepCall = 'clock_nanosleep'

function takesForeignCalls(): boolean {
  if (process.arch !== 'x64' || !has('cc')) return false
  const { status } = spawnSync(fixture('known-calls'), ['0', '0', '0', '1'], { input: 'gg' })
  return status === 0
}

/** One whose own start is over: the calls of the loader and of libc would be counted on a busy machine. */
async function caller(): Promise<Running> {
  const { succeeding, failing, sleeps } = known
  const numbers = [succeeding, failing, sleeps, foreign].map(String)
  const running = start([fixture('known-calls'), ...numbers])
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
    const { succeeded, failed, contextSwitches, byCall } = statistics.read()
    const within = (actual: bigint, least: number, slack: number, what: string) =>
      assert.ok(actual >= least && actual <= least + slack, `${what}: ${actual}, not ${least}`)
    within(succeeded, known.succeeding + known.sleeps + foreign, SLACK, 'succeeded')
    within(failed, known.failing, SLACK, 'failed')
    const named = (name: string) => {
      const counts = byCall.find((each) => each.name === name)
      return [Number(counts?.succeeded ?? 0), Number(counts?.failed ?? 0)]
    }
    assert.deepEqual(named('getppid'), [known.succeeding, 0])
    assert.deepEqual(named('close'), [0, known.failing])
    assert.deepEqual(named(sleepCall), [known.sleeps, 0])
    assert.deepEqual(named('32-bit'), [foreign, 0])
    assert.deepEqual(named('semget'), [0, 0], 'a 32-bit number is not taken for a native one')
    const sum = (of: 'succeeded' | 'failed') => byCall.reduce((all, each) => all + each[of], 0n)
    assert.deepEqual([sum('succeeded'), sum('failed')], [succeeded, failed])
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
