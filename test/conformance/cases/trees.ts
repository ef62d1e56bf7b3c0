/** Which processes and threads: scope=, side by side, storms, exec chains, outside the tree. */
import { type Case, caseIn } from '../case.ts'
import { EIO, ENOENT, type Fault } from '../fault.ts'
import { calls, type Place, type Step } from '../steps.ts'

const scope = caseIn('scope')
const threads = caseIn('threads')
const processes = caseIn('processes')
const chain = caseIn('exec')
const outside = caseIn('outside')

const fsync = (rest: Partial<Fault>): Fault => ({ set: 'fsync', outcome: ENOENT, ...rest })
const inside = (place: Place, ...steps: Step[]): Step => ({ do: 'in', place, steps })
const many = (width: number, place: 'fork' | 'thread', ...steps: Step[]): Step => ({
  do: 'many',
  ...{ width, place, steps },
})

/** A process, its thread, its child, its grandchild, and itself again. */
const family: readonly Step[] = [
  calls('fsync', 3),
  inside('thread', calls('fsync', 3)),
  inside('fork', calls('fsync', 3), inside('fork', calls('fsync', 3)), calls('fsync', 2)),
  inside('fork', calls('fsync', 6)),
  calls('fsync', 3),
]

const chosen: readonly Partial<Fault>[] = [
  { when: '2..4' },
  { times: 4 },
  { when: '2+2' },
  { rate: '50' },
  { when: '1+2', rate: '60', times: 2 },
]

const programs: readonly Place[] = ['fork', 'vfork', 'spawn', 'search']

export const trees: readonly Case[] = [
  ...chosen.flatMap((rest, i) => [
    scope(`tree: counted over all: ${shown(rest)}`, [fsync(rest)], family, {
      ...{ seed: 11n, strace: false },
      ...(i === 4 && { quick: true }),
    }),
    scope(
      `process: counted in each: ${shown(rest)}`,
      [fsync({ ...rest, scope: 'process' })],
      family,
      {
        ...{ seed: 11n },
        ...(i === 0 && { quick: true }),
      },
    ),
    scope(
      `thread: counted in each: ${shown(rest)}`,
      [fsync({ ...rest, scope: 'thread' })],
      family,
      {
        ...{ seed: 11n },
        ...(i === 0 && { quick: true }),
      },
    ),
  ]),
  threads('all fail', [fsync({})], [many(8, 'thread', calls('fsync', 50))], {
    order: 'calls',
    strace: false,
  }),
  threads(
    'half: as many as one thread would have, no n twice',
    [fsync({ rate: '50' })],
    [many(8, 'thread', calls('fsync', 60), calls('dup', 5))],
    { order: 'calls', seed: 21n, quick: true },
  ),
  threads(
    'each counts its own, also one that comes after others have ended',
    [
      fsync({ when: '2+2', scope: 'thread' }),
      { set: 'dup', outcome: EIO, times: 2, scope: 'thread' },
    ],
    [
      many(8, 'thread', calls('fsync', 5), calls('dup', 3)),
      many(8, 'fork', calls('fsync', 3), inside('thread', calls('dup', 4), calls('fsync', 4))),
      calls('fsync', 5),
    ],
    { order: 'lines', quick: true },
  ),
  threads('times= is exact', [fsync({ times: 37 })], [many(8, 'thread', calls('fsync', 50))], {
    order: 'calls',
    quick: true,
  }),
  threads(
    'when= and a rate',
    [fsync({ when: '2+3', rate: '40' })],
    [many(6, 'thread', calls('fsync', 50))],
    { order: 'calls', seed: 22n, strace: false },
  ),
  processes(
    'a fork storm: each is hit from its first call',
    [fsync({ scope: 'process', when: '1' })],
    [many(100, 'fork', calls('fsync', 3))],
    { order: 'lines', quick: true },
  ),
  processes(
    'a storm counted over the tree',
    [fsync({ rate: '50' })],
    [many(60, 'fork', calls('fsync', 4), calls('dup', 1))],
    { order: 'calls', seed: 23n },
  ),
  processes(
    'processes with threads',
    [fsync({ times: 3, when: '2+2', scope: 'process' })],
    [many(5, 'fork', many(4, 'thread', calls('fsync', 10)))],
    { order: 'calls', strace: false },
  ),
  processes(
    'none is hit at 0%',
    [fsync({ rate: '0' })],
    [many(40, 'fork', many(2, 'thread', calls('fsync', 3)))],
    { order: 'lines' },
  ),
  processes(
    'started by fork, vfork, posix_spawn, and exec along PATH past places without it',
    [fsync({ when: '2+2' })],
    programs.map((place) => inside(place, calls('fsync', 5), inside(place, calls('fsync', 2)))),
    { strace: false, quick: true },
  ),
  processes(
    'each a process of its own',
    [fsync({ when: '2+2', scope: 'process' })],
    programs.map((place) => inside(place, calls('fsync', 5), inside(place, calls('fsync', 3)))),
  ),
  chain(
    'the counting goes on after exec: of the main thread, of another, through sh and env',
    [fsync({ when: '3+3' }), { set: 'dup', outcome: EIO, scope: 'process', when: '2+2' }],
    [
      ...[calls('fsync', 4), calls('dup', 3), { do: 'exec' }, calls('fsync', 4), calls('dup', 3)],
      ...[{ do: 'texec' }, calls('fsync', 4), calls('dup', 3)],
      ...[{ do: 'shexec' }, calls('fsync', 4), calls('dup', 3)],
    ] as const,
    // For strace a thread's exec begins a new tracee's count.
    { more: 'seen', strace: false, quick: true },
  ),
  chain(
    'a thread of the program after an exec from a thread',
    [fsync({ rate: '50' })],
    [
      ...[calls('fsync', 4), { do: 'texec' }, inside('thread', calls('fsync', 9))],
      ...[{ do: 'texec' }, { do: 'texec' }, inside('fork', calls('fsync', 9)), calls('fsync', 2)],
    ] as const,
    { seed: 31n },
  ),
  outside(
    'a program started at the same time elsewhere sees nothing',
    [fsync({})],
    [calls('fsync', 20), { do: 'hold' }, calls('fsync', 20)],
    { meanwhile: 'sibling', quick: true },
  ),
  outside(
    'what is left behind goes on without faults',
    [fsync({})],
    [
      { do: 'daemon', steps: [calls('fsync', 5), { do: 'hold' }, calls('fsync', 50)] },
      calls('fsync', 1),
    ],
    { meanwhile: 'exit', order: 'lines', quick: true },
  ),
]

function shown(rest: Partial<Fault>): string {
  return Object.entries(rest)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
}
