/** What a rule does, in the words of the command line. */
import type { Rule } from '../rules/rule.ts'

/** `ENOENT`, `ret:0`, `delay:50ms`, `signal:SIGKILL`, `drop`, `refuse`. */
export function outcomeText(rule: Rule): string {
  if (rule.kind !== 'syscall') return rule.kind === 'drop-net' ? 'drop' : 'refuse'
  const { outcome } = rule
  switch (outcome.kind) {
    case 'errno':
      return outcome.name
    case 'return':
      return `ret:${outcome.value}`
    case 'delay':
      return `delay:${durationText(outcome.ns)}`
    case 'signal':
      return `signal:${outcome.name}`
  }
}

const units = [
  ['s', 1_000_000_000n],
  ['ms', 1_000_000n],
  ['us', 1000n],
] as const

/** Exact, in the largest unit that needs no fraction: `2s`, `1500ms`, `3ns`. */
export function durationText(ns: bigint): string {
  if (ns === 0n) return '0s'
  for (const [unit, size] of units) if (ns % size === 0n) return `${ns / size}${unit}`
  return `${ns}ns`
}
