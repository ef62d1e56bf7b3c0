/** Durations in nanoseconds as text, exact. */

const units = [
  ['s', 1_000_000_000n],
  ['ms', 1_000_000n],
  ['us', 1_000n],
  ['ns', 1n],
] as const

/** As options take it, in the largest unit that needs no fraction: `2s`, `1500ms`, `3ns`. */
export function durationText(ns: bigint): string {
  const [unit, size] = units.find((candidate) => ns % candidate[1] === 0n) ?? ['ns', 1n]
  return `${ns / size}${unit}`
}

/** As people read it, in the largest unit that is not larger than it: `1.5 s`, `50 ms`. */
export function durationWords(ns: bigint): string {
  const [unit, size] = units.find((candidate) => ns >= candidate[1]) ?? ['ns', 1n]
  const decimals =
    size === 1n ? '' : `${ns % size}`.padStart(`${size}`.length - 1, '0').replace(/0+$/, '')
  return `${ns / size}${decimals && `.${decimals}`} ${unit}`
}
