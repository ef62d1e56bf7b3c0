/** What run() of the library adds to a command, from one process: one run after the other, some at once, and very many. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { RunReport, RunRequest } from '../../src/index.ts'
import { pool } from '../helpers/pool.ts'
import { has } from '../helpers/requires.ts'
import { minderbinder } from '../helpers/run.ts'
import { atMost, interleave, type Measure, spread } from './measure.ts'
import { spreadOf } from './statistics.ts'

const REPETITIONS = 15
/** In each repetition of each case. */
const RUNS = 40
const WIDTH = 4
const MANY = 10_000
/** Of what is there after so many, nothing may grow. */
const WARM = 1_000

const library = minderbinder.replace(/bin\/minderbinder$/, 'dist/index.js')
const command = ['true'] as const
const request: RunRequest = { command, faults: ['openat=ENOENT@0%'], stdio: 'ignore' }
const dropping: RunRequest = { ...request, faults: ['--drop-net 0%'] }
const refusing: RunRequest = { ...request, faults: ['--refuse-net 0%'] }

export async function libraryRuns(): Promise<Measure[]> {
  const { run } = (await import(library)) as { run: (request: RunRequest) => Promise<RunReport> }
  const root = has('root')
  const network = async (what: RunRequest) => (root ? each(1, () => run(what)) : Number.NaN)
  const samples = await interleave(REPETITIONS, {
    bare: () => each(1, spawned),
    one: () => each(1, () => run(request)),
    bareAtOnce: () => each(WIDTH, spawned),
    atOnce: () => each(WIDTH, () => run(request)),
    dropping: () => network(dropping),
    refusing: () => network(refusing),
  })
  const median = (what: keyof (typeof samples)[number]) =>
    milliseconds(spread(samples, (sample) => sample[what]).median)
  const row = (
    name: string,
    what: keyof (typeof samples)[number],
    base: 'bare' | 'bareAtOnce',
  ): Measure => ({
    name,
    ours: median(what),
    comparedWith: `spawn() of true: ${median(base)}`,
    ratio: spread(samples, (sample) => sample[what] / sample[base]),
  })
  const under = (measure: Measure, what: keyof (typeof samples)[number], limit: number) => ({
    ...measure,
    target: {
      ...atMost(
        limit,
        spread(samples, (sample) => sample[what]),
      ),
      text: `≤ ${limit} ms`,
    },
  })
  const atOnce = row(`run(), one system call rule, ${WIDTH} at once, each`, 'atOnce', 'bareAtOnce')
  const measures = [
    under(row('run(), one system call rule', 'one', 'bare'), 'one', 8),
    { ...atOnce, target: atMost(4, atOnce.ratio!) },
  ]
  if (root)
    measures.push(
      under(row('run(), --drop-net', 'dropping', 'bare'), 'dropping', 15),
      under(row('run(), --refuse-net', 'refusing', 'bare'), 'refusing', 15),
    )
  return [...measures, await many(() => run(request))]
}

/** Milliseconds for each of some, so many at a time, without the first. */
async function each(width: number, one: () => Promise<unknown>): Promise<number> {
  await one()
  const begin = performance.now()
  await pool(Array.from({ length: RUNS }), width, one)
  return (performance.now() - begin) / RUNS
}

async function spawned(): Promise<void> {
  const [program, ...args] = command
  await once(spawn(program, args, { stdio: 'ignore' }), 'exit')
}

async function many(one: () => Promise<unknown>): Promise<Measure> {
  // Without its report: of nine thousand, those that are kept are megabytes.
  const run = async (): Promise<void> => {
    await one()
  }
  await pool(Array.from({ length: WARM }), WIDTH, run)
  const collect = collector()
  const before = held(collect)
  await pool(Array.from({ length: MANY - WARM }), WIDTH, run)
  const after = held(collect)
  const text = ({ heap, resident, descriptors }: ReturnType<typeof held>) =>
    `${megabytes(heap)} of heap, ${megabytes(resident)} resident, ${descriptors} descriptors`
  return {
    name: `${MANY} runs of one process`,
    ours: text(after),
    comparedWith: `after ${WARM}: ${text(before)}`,
    ratio: spreadOf([after.heap / before.heap]),
    target: {
      text: 'no growth',
      met: after.heap <= 1.05 * before.heap && after.descriptors <= before.descriptors,
    },
  }
}

/** Made once: each context is half a megabyte that the next measurement would find. */
function collector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc')
}

function held(collect: () => void) {
  collect()
  collect() // what the first one has finalized
  const { heapUsed: heap, rss: resident } = process.memoryUsage()
  return { heap, resident, descriptors: readdirSync('/proc/self/fd').length }
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(2)} ms`
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
