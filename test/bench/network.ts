/** A bulk transfer over loopback: beside another program's network fault, and under one that does not fire. */
import { fixture } from '../helpers/fixture.ts'
import { has } from '../helpers/requires.ts'
import { start } from '../helpers/run.ts'
import { until } from '../helpers/until.ts'
import { atLeast, interleave, type Measure, spread } from './measure.ts'
import { exec, numberFrom } from './program.ts'

const REPETITIONS = 15
const MEGABYTES = 2000

export async function network(): Promise<Measure[]> {
  const name = {
    other: 'TCP, not targeted by --drop-net 100%',
    own: 'TCP, targeted by --drop-net 0%',
  }
  if (!has('root')) {
    const skipped = { ours: '', comparedWith: '', skipped: 'not root' }
    return Object.values(name).map((each) => ({ name: each, ...skipped }))
  }
  const transfer = [fixture('time-tcp'), `${MEGABYTES}`]
  const samples = await interleave(REPETITIONS, {
    bare: () => numberFrom(transfer),
    other: () => besideSession(() => numberFrom(transfer)),
    own: () => numberFrom(exec(['--drop-net', '0%'], transfer)),
  })
  const bare = spread(samples, (each) => each.bare).median
  const measure = (what: 'other' | 'own', limit: number): Measure => {
    const ratio = spread(samples, (each) => each[what] / each.bare)
    return {
      name: name[what],
      ours: gigabytes(spread(samples, (each) => each[what]).median),
      comparedWith: `bare: ${gigabytes(bare)}`,
      ratio,
      target: atLeast(limit, ratio),
    }
  }
  return [measure('other', 0.95), measure('own', 0.85)]
}

/** While a drop rule is active for another process. */
async function besideSession(measure: () => number): Promise<number> {
  const session = start(exec(['--drop-net', '100%'], ['sh', '-c', 'echo ready; exec cat']))
  try {
    await until(() => session.stdout() === 'ready\n', { what: 'the session to begin' })
    return measure()
  } finally {
    session.child.stdin?.end()
    await session.result
  }
}

function gigabytes(perSecond: number): string {
  return `${(perSecond / 1000).toFixed(2)} GB/s`
}
