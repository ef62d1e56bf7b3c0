/** Which occurrences: rates, when=, times=, and all of them together. */
import { type Case, caseIn } from '../case.ts'
import { EIO, ENOENT, EPERM, type Fault } from '../fault.ts'
import { calls, type Step } from '../steps.ts'
import { names } from './names.ts'

/** Each fault on a call of its own, in one run; the calls take turns. */
function each(rests: readonly Partial<Fault>[], rounds: readonly number[]) {
  const faults = rests.map((rest, i) => ({ set: names[i]!, outcome: ENOENT, ...rest }))
  return [faults, rounds.flatMap((count) => faults.map(({ set }) => calls(set, count)))] as const
}

const rate = caseIn('rates')
const when = caseIn('when')
const times = caseIn('times')
const order = caseIn('several rules')

const edges = ['0', '100', '0.0000001', '99.9999999', '50', '12.5', '0.1', '99.9']

/** strace(1)'s forms at their edges, of 24 calls in three rounds. */
const forms = [
  ...['1', '2', '7', '24', '25', '1+', '3+', '24+', '25+', '1+1', '1+2', '2+2', '3+7', '5+100'],
  ...['1..1', '1..5', '5..5', '5..24', '5..25', '19..1000', '1..20+1', '1..20+3', '2..10+4'],
  ...['7..8+5', '65535'],
]

const both = (first: Fault, second: Fault, steps: readonly Step[]) =>
  [
    ['in one order', [first, second], steps],
    ['in the other order', [second, first], steps],
  ] as const

export const chances: readonly Case[] = [
  ...[1n, 42n, 0n, 2n ** 64n - 1n].map((seed) =>
    rate(
      `edges and middles, seed ${seed}`,
      ...each(
        edges.map((rate) => ({ rate })),
        [70, 1, 29],
      ),
      {
        seed,
        ...(seed === 42n && { quick: true }),
      },
    ),
  ),
  when(
    'every form',
    ...each(
      forms.map((when) => ({ when })),
      [10, 1, 13],
    ),
    { quick: true },
  ),
  when(
    'numbers up to 2^32-2',
    ...each([{ when: '4294967294' }, { when: '1..4294967294+4294967294' }], [5]),
  ),
  times(
    'a limit on what fires',
    ...each([{ times: 1 }, { times: 5 }, { times: 24 }, { times: 25 }, {}], [10, 14]),
    { quick: true },
  ),
  times(
    'with when=',
    ...each(
      [
        { when: '3+3', times: 2 },
        { when: '5..7', times: 9 },
        { when: '2..20+4', times: 3 },
        { when: '24', times: 1 },
      ],
      [10, 14],
    ),
  ),
  ...[7n, 8n].map((seed) =>
    times(
      `with when= and a rate, seed ${seed}`,
      ...each(
        [
          { when: '2+2', rate: '50', times: 10 },
          { when: '10..60', rate: '30', times: 4 },
          { when: '5+', rate: '99', times: 40 },
          { when: '1+3', rate: '10', times: 1 },
          { when: '1+3', rate: '0', times: 1 },
        ],
        [40, 60],
      ),
      { seed, ...(seed === 7n && { quick: true }) },
    ),
  ),
  ...both({ set: 'fsync', outcome: ENOENT, rate: '50' }, { set: 'fsync', outcome: EIO }, [
    calls('fsync', 60),
  ]).map(([how, faults, steps]) =>
    order(`the first that fires wins: half and all, ${how}`, faults, steps, { seed: 3n }),
  ),
  ...both(
    { set: 'fsync', outcome: ENOENT, when: '2+2' },
    { set: 'fsync+dup', outcome: EIO, when: '3+3', times: 4 },
    [calls('fsync', 20), calls('dup', 5), calls('fsync', 20)],
  ).map(([how, faults, steps]) =>
    order(`the second counts what the first let pass, ${how}`, faults, steps, { quick: true }),
  ),
  order(
    'one that never fires hides none; what is hidden sees nothing',
    [
      { set: 'fsync', outcome: EPERM, rate: '0' },
      { set: 'fsync', outcome: ENOENT },
      { set: 'fsync', outcome: EIO },
    ],
    [calls('fsync', 10)],
  ),
  order(
    'disjoint rules do not meddle',
    [
      { set: 'fsync', outcome: ENOENT, rate: '50' },
      { set: 'dup', outcome: EIO, rate: '50' },
      { set: 'fchdir+listen', outcome: EPERM, when: '2+2' },
    ],
    [
      calls('fsync', 30),
      calls('dup', 30),
      calls('fchdir', 5),
      calls('listen', 6),
      calls('lseek', 4),
    ],
    { seed: 99n, quick: true },
  ),
]
