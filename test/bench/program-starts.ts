/** What telling the loader's calls from the program's costs, each time that a target starts another program. */
import { fixture } from '../helpers/fixture.ts'
import { interleave, type Measure, spread } from './measure.ts'
import { exec, numberFrom } from './program.ts'

const REPETITIONS = 9
const STARTS = 200

export async function programStarts(): Promise<Measure[]> {
  const loop = [fixture('time-exec'), `${STARTS}`, '/bin/true']
  const samples = await interleave(REPETITIONS, {
    bare: () => numberFrom(loop),
    loaderKnown: () => numberFrom(exec(['--syscall', 'openat=ENOENT@0%'], loop)),
    loaderIncluded: () =>
      numberFrom(exec(['--include-loader', '--syscall', 'openat=ENOENT@0%'], loop)),
    otherCall: () => numberFrom(exec(['--syscall', 'mount=EPERM@0%'], loop)),
  })
  const bare = spread(samples, (each) => each.bare).median
  const measure = (
    name: string,
    what: 'loaderKnown' | 'loaderIncluded' | 'otherCall',
  ): Measure => ({
    name,
    ours: microseconds(spread(samples, (each) => each[what]).median),
    comparedWith: `bare: ${microseconds(bare)}`,
    ratio: spread(samples, (each) => each[what] / each.bare),
  })
  return [
    measure('start of /bin/true by a target, openat named', 'loaderKnown'),
    measure('the same with --include-loader', 'loaderIncluded'),
    measure('the same, mount named', 'otherCall'),
  ]
}

function microseconds(us: number): string {
  return `${us.toFixed(0)} µs`
}
