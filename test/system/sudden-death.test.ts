/** SIGKILL for any of our processes, at any moment: the child's tree ends with it, nothing is left, nothing hangs. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { unprivileged } from '../helpers/identity.ts'
import { Moments } from '../helpers/moments.ts'
import { alive, descendants, killed, ourProcesses, program } from '../helpers/processes.ts'
import { parseReport } from '../helpers/report-schema.ts'
import { has, requires } from '../helpers/requires.ts'
import { startMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { until } from '../helpers/until.ts'

const faults = ['--syscall', 'openat+read+write=EIO@0%']
const network = ['--drop-net', '0%']
const networkNeeds = ['root', 'libbpf', 'cgroup2'] as const

/** Told from everybody else's by its argument. */
const sleep = `sleep 1000.${process.pid}`

function sleepers(): string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8') === `${sleep.replace(' ', '\0')}\0`
    } catch {
      return false
    }
  })
}

/** A shell with three children, one of them in a session of its own. */
const tree = (file: string) => [
  'sh',
  '-c',
  `${sleep} & setsid ${sleep} & ${sleep} & echo ready >${file}; wait`,
]

const victims = {
  front: (front: number) => front,
  supervisor: (front: number) => descendants(front).find((pid) => /launcher/.test(program(pid))),
  node: (front: number) => descendants(front).find((pid) => /\/node$/.test(program(pid))),
  child: (front: number) => descendants(front).find((pid) => /sh$/.test(program(pid))),
} as const

/** Without a cgroup the tree has to be found by its parents. */
const ways = [
  { how: 'by nobody, without a cgroup', rules: faults, options: unprivileged.options, needs: [] },
  { how: 'by root, with one', rules: [...faults, ...network], options: {}, needs: networkNeeds },
] as const

for (const { how, rules, options, needs } of ways)
  for (const [who, pick] of Object.entries(victims))
    test(`the ${who} is killed while the child runs, started ${how}`, async (t) => {
      if (!requires(t, ...needs)) return
      const before = systemState()
      const folder = scratch(t)
      const [file, report] = [join(folder, 'ready'), join(folder, 'report')]
      const running = startMinderbinder(
        ['exec', '--report', report, ...rules, '--', ...tree(file)],
        options,
      )
      await until(() => readFileSync(file, 'utf8').includes('ready'), { what: 'the tree running' })
      const find = () => descendants(running.pid).filter((pid) => /sleep|sh$/.test(program(pid)))
      const targets = await until(() => find().length === 4 && find(), {
        what: 'a shell, three sleeps',
      })
      const victim = pick(running.pid)
      assert.ok(victim !== undefined && killed(victim), `no ${who}`)
      const { status, signal } = await running.exited
      if (who === 'child' || who === 'front') assert.equal(signal, 'SIGKILL')
      else assert.equal(status, 125, running.stderr())
      const text = readFileSync(report, 'utf8')
      if (who === 'supervisor') assert.equal(parseReport(text).end.error.code, 'MB_LAUNCHER')
      else if (who === 'child') assert.equal(parseReport(text).end.signal, 'SIGKILL')
      else assert.equal(text, '')
      // The child's own death is no accident of ours: its children outlive it, as they would without us.
      if (who === 'child') for (const pid of targets) killed(pid)
      await until(() => !targets.some(alive), { what: 'the end of the tree' })
      assert.deepEqual(sleepers(), [])
      await nothingLeft(before)
    })

/** Of each process. */
const DEATHS = 500
/** Runs at once: each must leave nothing, however many others there are. */
const LANES = 4
/** Milliseconds: a start takes less. */
const LONGEST = 150

const whoDies = ['front', 'supervisor', 'node'] as const

for (const who of whoDies)
  test(`${DEATHS} deaths of the ${who} at random moments`, { timeout: 600_000 }, async (t) => {
    const before = systemState()
    const folder = scratch(t)
    const moments = new Moments(whoDies.indexOf(who) + 1)
    const survivors: string[] = []
    let runs = 0
    const lane = async () => {
      for (let i = runs++; i < DEATHS; i = runs++) {
        const rules = i % 4 === 0 && networkNeeds.every(has) ? network : faults
        const line = ['exec', '-q', ...rules, '--', ...tree(join(folder, `${i}`))]
        const running = startMinderbinder(line, { timeout: 60_000 })
        await pause(moments.next(LONGEST))
        const ours = () => ({ ...ourProcesses(running.pid), front: running.pid })
        const victim = await until(() => ours()[who], { what: `the ${who} of run ${i}` })
        const targets = descendants(running.pid).filter((pid) => /sleep|sh$/.test(program(pid)))
        killed(victim)
        const done = await running.result
        if (done.signal !== 'SIGKILL' && done.status !== 125)
          survivors.push(`run ${i}: ended with ${done.signal ?? done.status}: ${done.stderr}`)
        await until(() => !targets.some(alive), { what: `the end of the tree of run ${i}` })
      }
    }
    await Promise.all(Array.from({ length: LANES }, lane))
    assert.deepEqual(survivors, [])
    await until(() => sleepers().length === 0, { what: 'the end of every tree' })
    await nothingLeft(before)
  })
