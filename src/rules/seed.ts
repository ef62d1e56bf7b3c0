/** Seeds: 64 bits, of which a random one has 32. */
export const SEED_MAX = 2n ** 64n - 1n

/** 32 bits: enough to differ from run to run, short enough to type. */
export function randomSeed(): bigint {
  return BigInt(Math.floor(Math.random() * 2 ** 32))
}
