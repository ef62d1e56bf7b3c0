/** From a shell's fork to the end of a command that does nothing. */
import { has } from '../helpers/requires.ts'
import { atMost, interleave, type Measure, spread } from './measure.ts'
import { durationOf, exec } from './program.ts'

const REPETITIONS = 25
const callRule = ['--syscall', 'openat=ENOENT@0%']
const networkRule = ['--drop-net', '0%']

export async function startUp(): Promise<Measure[]> {
  const root = has('root')
  const samples = await interleave(REPETITIONS, {
    node: () => durationOf(['node', '-e', '0']),
    calls: () => durationOf(exec(callRule, ['true'])),
    network: () => (root ? durationOf(exec([...callRule, ...networkRule], ['true'])) : 0),
  })
  const node = spread(samples, (each) => each.node).median
  const measure = (name: string, what: 'calls' | 'network', limit: number): Measure => {
    const ratio = spread(samples, (each) => each[what] / each.node)
    return {
      name,
      ours: milliseconds(spread(samples, (each) => each[what]).median),
      comparedWith: `node -e 0: ${milliseconds(node)}`,
      ratio,
      target: atMost(limit, ratio),
    }
  }
  const both = `start-up, --syscall and --drop-net`
  return [
    measure('start-up, --syscall', 'calls', 1.6),
    root
      ? measure(both, 'network', 2)
      : { name: both, ours: '', comparedWith: '', skipped: 'not root' },
  ]
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(1)} ms`
}
