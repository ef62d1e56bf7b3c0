/** Seeds: 64 bits, of which a random one has 32. */
import { MinderbinderError } from '../errors.ts'

const SEED_MAX = 2n ** 64n - 1n

/** 32 bits: enough to differ from run to run, short enough to type. */
export function randomSeed(): bigint {
  return BigInt(Math.floor(Math.random() * 2 ** 32))
}

/**
 * @param seed undefined if the text was not a whole number
 * @param complaint the error's message
 * @throws {MinderbinderError} MB_USAGE
 */
export function checkedSeed(seed: bigint | undefined, complaint: string): bigint {
  if (seed !== undefined && seed >= 0n && seed <= SEED_MAX) return seed
  throw new MinderbinderError('MB_USAGE', complaint, {
    hint: `a seed is a whole number from 0 to ${SEED_MAX}`,
  })
}
