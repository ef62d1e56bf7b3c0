/** Faults of the network count and choose as those of system calls do. */
import type { Case, NetworkCase } from '../case.ts'
import { type Fault, fails } from '../fault.ts'

const out = 'proto=udp,port=PORT'

const lost = fails('lost', -1)
const packet = (rest: Partial<Fault>): Fault => ({ set: 'packet', outcome: lost, ...rest })

const chosen: readonly (readonly [
  title: string,
  faults: readonly Fault[],
  more?: Partial<NetworkCase>,
])[] = [
  ['all', [packet({})], { quick: true }],
  ['none', [packet({ rate: '0' })], { quick: true }],
  ['half, by seed', [packet({ rate: '0' }), packet({ rate: '50' })], { seed: 42n, quick: true }],
  ['when= and times=', [packet({ when: '3+3', times: 5 })]],
  [
    'when=, a rate and times= together; a second rule counts what the first let pass',
    [packet({ when: '2..40', rate: '30', times: 6 }), packet({ when: '5+5' })],
    { seed: 7n, quick: true },
  ],
  [
    'for=: none after its end',
    [
      packet({ after: { text: '0s', faults: 'nothing' }, for: '1ns' }),
      packet({ after: { text: '0s', faults: 'all' }, for: '60m', rate: '50' }),
    ],
    { seed: 9n },
  ],
  ['rates near the edges', [packet({ rate: '0.0000001' }), packet({ rate: '99.9999999' })]],
]

export const network: readonly Case[] = [
  ...chosen.map(
    ([title, faults, more]): Case => ({
      ...{ kind: 'drop-net', group: 'packets lost', title, faults, count: 60, keys: out },
      ...more,
    }),
  ),
  ...chosen.map(
    ([title, faults, more]): Case => ({
      ...{ kind: 'drop-net', group: 'packets lost coming in', title, faults, count: 60 },
      keys: 'proto=udp,dir=in',
      ...more,
    }),
  ),
  ...chosen.map(
    ([title, faults, more]): Case => ({
      ...{ kind: 'refuse-net', group: 'connections refused', title, faults, count: 60 },
      keys: 'proto=tcp,port=PORT',
      ...more,
    }),
  ),
]
