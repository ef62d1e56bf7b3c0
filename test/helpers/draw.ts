/** What bpf/rule.h draws for an occurrence of a rule, from its paper and not from its code. */

export const golden = 0x9e3779b97f4a7c15n

/** The finalizer of splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014). */
export function mix64(x: bigint): bigint {
  let z = BigInt.asUintN(64, x)
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n)
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn)
  return z ^ (z >> 31n)
}

/** 64 bits for the n-th matching call; the upper 32 of them are compared with the rate. */
export function occurrence(seed: bigint, slot: number, n: bigint): bigint {
  return mix64(mix64(seed + golden * (BigInt(slot) + 1n)) + golden * n)
}
