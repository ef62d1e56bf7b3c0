/** What a system call costs under a rule: named by it and not fired, and not named. */
import { fixture } from '../helpers/fixture.ts'
import { has } from '../helpers/requires.ts'
import { atMost, interleave, type Measure, spread } from './measure.ts'
import { exec, numberFrom } from './program.ts'

const REPETITIONS = 9
/** Calls in a run: a few tenths of a second each. strace counts calls up to 65535 in `when=`. */
const calls = { bare: 100_000, minderbinder: 30_000, strace: 4_000, unnamed: 2_000_000 }
const rule = ['--syscall', 'openat=ENOENT@0%']
/** An injection that comes after more calls than are made. */
const injection = [
  '-o',
  '/dev/null',
  '-e',
  'trace=openat',
  '-e',
  'inject=openat:error=ENOENT:when=65535',
]

export async function namedCalls(threads: number): Promise<Measure[]> {
  const name = `openat + close, openat named${threads > 1 ? `, ${threads} threads` : ''}`
  if (!has('strace')) return [{ name, ours: '', comparedWith: '', skipped: 'no strace' }]
  const loop = (count: number) => [fixture('time-calls'), 'open', `${count}`, `${threads}`]
  const samples = await interleave(REPETITIONS, {
    bare: () => numberFrom(loop(calls.bare)),
    ours: () => numberFrom(exec(rule, loop(calls.minderbinder))),
    filtered: () =>
      numberFrom(['strace', '-f', '--seccomp-bpf', ...injection, ...loop(calls.strace)]),
    traced: () => numberFrom(['strace', '-f', ...injection, ...loop(calls.strace)]),
  })
  const bare = spread(samples, ({ bare }) => bare)
  const ours = `+${microseconds(spread(samples, (each) => each.ours - each.bare).median)}`
  const against = (what: 'filtered' | 'traced', label: string): Measure => {
    const ratio = spread(samples, (each) => (each.ours - each.bare) / (each[what] - each.bare))
    const added = spread(samples, (each) => each[what] - each.bare).median
    return {
      name,
      ours,
      comparedWith: `${label}: +${microseconds(added)} (bare ${microseconds(bare.median)})`,
      ratio,
      ...(what === 'filtered' && threads === 1 ? { target: atMost(1 / 12, ratio, '1/12') } : {}),
    }
  }
  return [against('filtered', 'strace -f --seccomp-bpf'), against('traced', 'strace -f')]
}

export async function unnamedCalls(): Promise<Measure[]> {
  const loop = [fixture('time-calls'), 'getppid', `${calls.unnamed}`, '1']
  const samples = await interleave(REPETITIONS, {
    bare: () => numberFrom(loop),
    ours: () => numberFrom(exec(rule, loop)),
  })
  const ratio = spread(samples, (each) => each.ours / each.bare)
  return [
    {
      name: 'getppid, openat named',
      ours: nanoseconds(spread(samples, ({ ours }) => ours).median),
      comparedWith: `bare: ${nanoseconds(spread(samples, ({ bare }) => bare).median)}`,
      ratio,
      target: atMost(1.3, ratio),
    },
  ]
}

function microseconds(ns: number): string {
  return `${(ns / 1000).toFixed(1)} µs`
}

function nanoseconds(ns: number): string {
  return `${ns.toFixed(0)} ns`
}
