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

/** By each engine that has a supervisor, against strace, and one against the other. */
export async function namedCalls(threads: number): Promise<Measure[]> {
  const name = `openat + close, openat named${threads > 1 ? `, ${threads} threads` : ''}`
  if (!has('strace')) return [{ name, ours: '', comparedWith: '', skipped: 'no strace' }]
  const loop = (count: number) => [fixture('time-calls'), 'open', `${count}`, `${threads}`]
  const by = (engine: string) =>
    numberFrom(exec(['--engine', engine, ...rule], loop(calls.minderbinder)))
  const samples = await interleave(REPETITIONS, {
    bare: () => numberFrom(loop(calls.bare)),
    ptrace: () => by('ptrace'),
    seccomp: () => by('seccomp'),
    filtered: () =>
      numberFrom(['strace', '-f', '--seccomp-bpf', ...injection, ...loop(calls.strace)]),
    traced: () => numberFrom(['strace', '-f', ...injection, ...loop(calls.strace)]),
  })
  type Case = keyof (typeof samples)[number]
  const added = (what: Case) => microseconds(spread(samples, (s) => s[what] - s.bare).median)
  const bare = microseconds(spread(samples, ({ bare }) => bare).median)
  const row = (what: Case, other: Case, label: string, limit?: [number, string]): Measure => {
    const ratio = spread(samples, (s) => (s[what] - s.bare) / (s[other] - s.bare))
    return {
      name: `${name}: ${what}`,
      ours: `+${added(what)}`,
      comparedWith: `${label}: +${added(other)} (bare ${bare})`,
      ratio,
      ...(limit && { target: atMost(limit[0], ratio, limit[1]) }),
    }
  }
  const one = threads === 1
  return [
    row('seccomp', 'filtered', 'strace -f --seccomp-bpf', one ? [1 / 12, '1/12'] : undefined),
    row('ptrace', 'filtered', 'strace -f --seccomp-bpf', one ? [1 / 8, '1/8'] : [1 / 4, '1/4']),
    row('ptrace', 'traced', 'strace -f'),
    row('ptrace', 'seccomp', 'seccomp', one ? [1.7, '1.7'] : undefined),
  ]
}

/** Calls on a descriptor: what a rule has to look at costs, over one that only names the call. */
export async function descriptorCalls(): Promise<Measure[]> {
  const loop = (count: number) => [fixture('time-calls'), 'read', `${count}`, '1']
  const measures: Measure[] = []
  for (const engine of ['ptrace', 'seccomp']) {
    const by = (fault: string) =>
      numberFrom(exec(['--engine', engine, '--syscall', fault], loop(calls.minderbinder)))
    const cases = {
      bare: () => numberFrom(loop(calls.unnamed)),
      named: () => by('pread64=EIO@0%'),
      path: () => by('pread64=EIO@0%,path=/dev/null'),
      short: () => (engine === 'ptrace' ? by('pread64=short:1') : 0),
    }
    const samples = await interleave(REPETITIONS, cases)
    type Case = keyof typeof cases
    const added = (what: Case) => microseconds(spread(samples, (s) => s[what] - s.bare).median)
    const row = (what: Case, title: string, limit: number): Measure => {
      const ratio = spread(samples, (s) => (s[what] - s.bare) / (s.named - s.bare))
      return {
        name: `pread, ${title}: ${engine}`,
        ours: `+${added(what)}`,
        comparedWith: `named, it never fires: +${added('named')}`,
        ratio,
        target: atMost(limit, ratio),
      }
    }
    measures.push(row('path', 'path= does not match', 1.5))
    if (engine === 'ptrace') measures.push(row('short', 'each one is short', 1))
  }
  return measures
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
