/** What is drawn for an occurrence that fires, apart from whether it does. The same as bpf/rule.h. */

const step = 0x9e3779b97f4a7c15n

/** All of one occurrence of a rule: 32 bits each, independent of each other. */
export interface Draws {
  /** Of the pause before the call. */
  readonly enter: bigint
  readonly error: bigint
  /** Of the pause before it returns. */
  readonly exit: bigint
}

/** enum draw */
const kinds = { enter: 1n, error: 2n, exit: 3n } as const

/**
 * @param slot of the rule
 * @param n which of its matches
 */
export function drawsOf(seed: bigint, slot: number, n: bigint): Draws {
  const occurrence = mix64(mix64(seed + step * BigInt(slot + 1)) + step * n)
  const draw = (kind: keyof typeof kinds) => mix64(occurrence + step * kinds[kind]) >> 32n
  return { enter: draw('enter'), error: draw('error'), exit: draw('exit') }
}

/**
 * The seeds with which rules in these slots draw what `seed` lets rules in the slots `places` draw: seed and slot are added
 * up.
 */
export function seedsInSlots(
  slots: readonly number[],
  { seed, places }: { readonly seed: bigint; readonly places: readonly number[] },
): ReadonlyMap<number, bigint> {
  return new Map(
    slots.map((slot, at) => [
      slot,
      BigInt.asUintN(64, seed + step * BigInt((places[at] ?? at) - slot)),
    ]),
  )
}

/** 0 to below `width`, each as likely. */
export function drawnBelow(width: bigint, draw: bigint): bigint {
  return (draw * width) >> 32n
}

/** mix64() of bpf/rule.h. */
function mix64(x: bigint): bigint {
  let z = BigInt.asUintN(64, x)
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n)
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn)
  return z ^ (z >> 31n)
}
