/** What may be behind rules that were never seen. */
import type { Architecture, Rule, RuleCounts } from '../rules/rule.ts'
import { neverSeenHint } from '../rules/suggest.ts'

/** The counts are the rules', by index. */
export function hintsFor(
  rules: readonly Rule[],
  counts: readonly RuleCounts[],
  arch: Architecture,
): (rule: Rule) => string | undefined {
  return (rule) =>
    counts[rules.indexOf(rule)]?.seen === 0n ? hintOfNeverSeen(rule, arch) : undefined
}

/** For calls that the user named: a family says itself what it covers. */
export function hintOfNeverSeen(rule: Rule, arch: Architecture): string | undefined {
  if (rule.kind !== 'syscall') return undefined
  const named = rule.set.split('+').filter((name) => rule.syscalls.includes(name))
  return named.map((name) => neverSeenHint(name, arch)).find((hint) => hint !== undefined)
}
