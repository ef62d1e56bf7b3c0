import type { Rule, SyscallRule } from './rule.ts'

/**
 * The index of an earlier rule that fires at every call that this one could fire at; undefined where there
 * is none. The first rule that fires wins, so that this one then never does.
 */
export function shadowedBy(rules: readonly Rule[], index: number): number | undefined {
  const rule = rules[index]
  if (rule?.kind !== 'syscall') return undefined
  const earlier = rules.findIndex(
    (candidate, at) =>
      at < index &&
      candidate.kind === 'syscall' &&
      firesAlways(candidate) &&
      rule.syscalls.every((name) => candidate.syscalls.includes(name)),
  )
  return earlier < 0 ? undefined : earlier
}

function firesAlways(rule: SyscallRule): boolean {
  const { first, last, step } = rule.when
  return (
    rule.rate === 100 &&
    rule.targets === undefined &&
    rule.afterNs === 0n &&
    rule.times === 0 &&
    first === 1 &&
    last === Number.POSITIVE_INFINITY &&
    step === 1 &&
    rule.path === undefined &&
    rule.fd === undefined
  )
}
