/** Runs side by side do not get in each other's way. */
import { pool } from '../helpers/pool.ts'
import { has } from '../helpers/requires.ts'
import { type RunResult, run } from '../helpers/run.ts'
import type { Measure } from './measure.ts'
import { exec } from './program.ts'

const RUNS = 200
const WIDTH = 20

export async function manyRuns(): Promise<Measure[]> {
  const callRule = ['--syscall', 'openat=ENOENT@0%']
  return [
    await together('--syscall', callRule),
    has('root')
      ? await together('--syscall and --drop-net', [...callRule, '--drop-net', '0%'])
      : { ...empty('--syscall and --drop-net'), skipped: 'not root' },
  ]
}

async function together(label: string, faults: readonly string[]): Promise<Measure> {
  const items = Array.from({ length: RUNS })
  const begin = performance.now()
  const results = await pool(items, WIDTH, () => run(exec(faults, ['echo', 'ran'])))
  const seconds = (performance.now() - begin) / 1000
  const good = results.filter(isGood).length
  for (const { status, signal, stderr } of results.filter((each) => !isGood(each)).slice(0, 3))
    process.stderr.write(`  a run failed: ${status ?? signal}: ${stderr}\n`)
  return {
    ...empty(label),
    ours: `${good} succeeded in ${seconds.toFixed(1)} s`,
    target: { text: `${RUNS}`, met: good === RUNS },
  }
}

function isGood({ status, stdout, stderr }: RunResult): boolean {
  return status === 0 && stdout === 'ran\n' && stderr === ''
}

function empty(label: string): Measure {
  return { name: `${RUNS} runs, ${WIDTH} at a time, ${label}`, ours: '', comparedWith: '' }
}
