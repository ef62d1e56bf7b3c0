/** From a shell's fork to the end of a command that does nothing. */
import { has } from '../helpers/requires.ts'
import { atMost, interleave, type Measure, spread } from './measure.ts'
import { durationOf, exec } from './program.ts'

const REPETITIONS = 25
const callRule = ['--syscall', 'openat=ENOENT@0%']
const networkRule = ['--drop-net', '0%']
const node = ['node', '-e', '0']

/** Against node in a clean environment, which is what ours starts in, and in the one that we were called in. */
export async function startUp(): Promise<Measure[]> {
  const root = has('root')
  const samples = await interleave(REPETITIONS, {
    clean: () => durationOf(node),
    asCalled: () => durationOf(node, process.env),
    calls: () => durationOf(exec(callRule, ['true'])),
    network: () => (root ? durationOf(exec([...callRule, ...networkRule], ['true'])) : 0),
  })
  const measure = (what: 'calls' | 'network', limit: number, against: 'clean' | 'asCalled') => {
    const name = `start-up, ${what === 'calls' ? '--syscall' : '--syscall and --drop-net'}`
    if (what === 'network' && !root)
      return { name, ours: '', comparedWith: '', skipped: 'not root' } satisfies Measure
    const ratio = spread(samples, (each) => each[what] / each[against])
    const label = against === 'clean' ? 'node -e 0' : `node -e 0 with ${nodeVariables()}`
    return {
      name,
      ours: milliseconds(spread(samples, (each) => each[what]).median),
      comparedWith: `${label}: ${milliseconds(spread(samples, (each) => each[against]).median)}`,
      ratio,
      target: atMost(limit, ratio),
    } satisfies Measure
  }
  const targets = [
    ['calls', 1.6],
    ['network', 2],
  ] as const
  const environments =
    nodeVariables() === '' ? (['clean'] as const) : (['clean', 'asCalled'] as const)
  return targets.flatMap(([what, limit]) =>
    environments.map((environment) => measure(what, limit, environment)),
  )
}

/** Those of the caller that node itself reads. */
function nodeVariables(): string {
  return Object.keys(process.env)
    .filter((name) => name.startsWith('NODE_') && name !== 'NODE_ENV')
    .join(' ')
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(1)} ms`
}
