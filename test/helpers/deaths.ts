/** Many deaths at random moments, a few at once: each must leave nothing, however many others there are. */
import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { Moments } from './moments.ts'

export const LANES = 4

export interface Death {
  /** From 0. */
  readonly number: number
  /** From 0: no other death has the same at the same time. */
  readonly lane: number
  /** Resolves at the random moment. */
  readonly moment: () => Promise<unknown>
}

export interface Deaths {
  readonly count: number
  /** The moments are the same in each run. */
  readonly seed: number
  /** Milliseconds. */
  readonly longest: number
}

/** @throws {AssertionError} naming each death that went wrong, with its moment */
export async function die(
  { count, seed, longest }: Deaths,
  body: (death: Death) => Promise<void>,
): Promise<void> {
  const moments = new Moments(seed)
  // Drawn before, for the lanes take turns as they like.
  const all = Array.from({ length: count }, () => moments.next(longest))
  const wrong: string[] = []
  let next = 0
  const live = async (lane: number) => {
    for (let number = next++; number < count; number = next++) {
      const after = all[number]!
      try {
        await body({ number, lane, moment: () => pause(after) })
      } catch (error) {
        wrong.push(`death ${number}, after ${after} ms (seed ${seed}): ${(error as Error).message}`)
      }
    }
  }
  await Promise.all(Array.from({ length: LANES }, (_, lane) => live(lane)))
  assert.deepEqual(wrong, [])
}
