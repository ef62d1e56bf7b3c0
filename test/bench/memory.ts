/** What ten million served calls leave behind in the supervisor. */
import { readdirSync, readFileSync } from 'node:fs'
import { fixture } from '../helpers/fixture.ts'
import { ourProcesses } from '../helpers/processes.ts'
import { start } from '../helpers/run.ts'
import { until } from '../helpers/until.ts'
import type { Measure } from './measure.ts'
import { exec } from './program.ts'

const CALLS = 10_000_000
/** The whole run, at up to 60 µs a call (a kernel without SYNC_WAKE_UP). */
const PATIENCE_MS = 600_000

export async function memory(): Promise<Measure[]> {
  const command = exec(['--syscall', 'openat=ENOENT@0%'], [fixture('steady-calls'), `${CALLS}`])
  const running = start(command, { timeout: PATIENCE_MS })
  const reached = (place: string) =>
    until(() => running.stdout().includes(`${place}\n`), { what: place, bound: PATIENCE_MS })
  await reached('begun')
  const supervisor = supervisorOf(running.pid)
  const before = memoryOf(supervisor)
  running.child.stdin?.write('\n')
  await reached('done')
  const after = memoryOf(supervisor)
  running.child.stdin?.end('\n')
  await running.result
  const growth = Math.max(after.now - before.now, after.peak - before.peak)
  return [
    {
      name: `supervisor's memory after ${CALLS / 1e6} million calls`,
      ours: `${after.now} kB, at most ${after.peak} kB`,
      comparedWith: `after a tenth: ${before.now} kB, at most ${before.peak} kB`,
      target: { text: 'no growth', met: growth <= 0 },
    },
  ]
}

function supervisorOf(front: number): number {
  const { supervisor } = ourProcesses(front)
  if (supervisor === undefined) throw new Error(`process ${front} has no supervisor`)
  return supervisor
}

/** In kB; of all its threads together, as they share their memory. */
function memoryOf(pid: number): { now: number; peak: number } {
  if (readdirSync(`/proc/${pid}/task`).length < 2) throw new Error('no thread serves calls there')
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1])
  return { now: field('VmRSS'), peak: field('VmHWM') }
}
