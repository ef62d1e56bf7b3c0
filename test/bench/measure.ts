/** What a benchmark reports, and how its repetitions are taken: side by side, so that a busy machine hits all. */
import { type Spread, spreadOf } from './statistics.ts'

/** One line of the table. */
export interface Measure {
  readonly name: string
  /** What was measured of minderbinder and of what it is compared with, with units. */
  readonly ours: string
  readonly comparedWith: string
  /** Of each repetition; undefined if the measure is not a ratio. */
  readonly ratio?: Spread
  readonly target?: Target
  /** Why it was not measured. */
  readonly skipped?: string
}

export interface Target {
  readonly text: string
  readonly met: boolean
}

export function atMost(limit: number, ratio: Spread, text = limit.toString()): Target {
  return { text: `≤ ${text}`, met: ratio.median <= limit }
}

export function atLeast(limit: number, ratio: Spread): Target {
  return { text: `≥ ${limit}`, met: ratio.median >= limit }
}

type Samples<Name extends string> = { readonly [name in Name]: number }

/**
 * Takes every case once in each repetition, one after the other. The order turns by one each time: none always
 * follows the same neighbour.
 */
export async function interleave<Name extends string>(
  repetitions: number,
  cases: Readonly<Record<Name, () => number | Promise<number>>>,
): Promise<Samples<Name>[]> {
  const names = Object.keys(cases) as Name[]
  const samples: Samples<Name>[] = []
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const sample: Partial<Record<Name, number>> = {}
    for (let at = 0; at < names.length; at++) {
      const name = names[(at + repetition) % names.length]!
      sample[name] = await cases[name]()
    }
    samples.push(sample as Samples<Name>)
  }
  return samples
}

/** The spread of something computed from each repetition. */
export function spread<Sample>(samples: readonly Sample[], of: (sample: Sample) => number): Spread {
  return spreadOf(samples.map(of))
}
