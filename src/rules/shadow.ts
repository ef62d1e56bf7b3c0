/** Rules that leave nothing to a later one: the first rule that fires wins. */
import { keysOf } from './keys/index.ts'
import type { Rule } from './rule.ts'
import type { Target } from './target.ts'

/**
 * The index of an earlier rule that fires at every call, packet or connection at which this one could fire; undefined
 * if there is none. Sure of what it says: what only a comparison of globs would tell is not found.
 *
 * @param counts whether the rule at this index is one to look at
 */
export function shadowedBy(
  rules: readonly Rule[],
  index: number,
  counts: (at: number) => boolean = () => true,
): number | undefined {
  const rule = rules[index]
  if (rule === undefined) return undefined
  const earlier = rules
    .slice(0, index)
    .findIndex((candidate, at) => counts(at) && leavesNothing(candidate, rule))
  return earlier < 0 ? undefined : earlier
}

/** Whether both rules look at some of the same calls, packets or connections, as far as their sets tell. */
export function overlap(one: Rule, other: Rule): boolean {
  if (one.kind === 'syscall' && other.kind === 'syscall')
    return one.syscalls.some((name) => other.syscalls.includes(name))
  if (one.kind === 'syscall' || other.kind === 'syscall') return false
  return one.kind === other.kind && one.direction === other.direction
}

function leavesNothing(earlier: Rule, later: Rule): boolean {
  if (!firesAlways(earlier)) return false
  if (earlier.kind !== later.kind || !coversCalls(earlier, later)) return false
  return covers(earlier, later) && coversTime(earlier, later) && coversProcesses(earlier, later)
}

function firesAlways({ rate, times, when: { first, last, step } }: Rule): boolean {
  return (
    rate === 100 && times === 0 && first === 1 && last === Number.POSITIVE_INFINITY && step === 1
  )
}

/** For packets without targets after= and for= count from the start of the run, and otherwise from that of the process. */
function coversTime(earlier: Rule, later: Rule): boolean {
  if (earlier.afterNs === 0n && earlier.forNs === undefined) return true
  const sameClock =
    earlier.kind === 'syscall' || (earlier.targets === undefined) === (later.targets === undefined)
  return sameClock && earlier.afterNs <= later.afterNs && endsNoSooner(earlier, later)
}

function endsNoSooner(earlier: Rule, later: Rule): boolean {
  if (earlier.forNs === undefined) return true
  if (later.forNs === undefined) return false
  return earlier.afterNs + earlier.forNs >= later.afterNs + later.forNs
}

function coversProcesses(earlier: Rule, later: Rule): boolean {
  if (earlier.targets === undefined) return true
  if (earlier.inherit === false && later.inherit !== false) return false
  const { targets } = earlier
  return later.targets?.every((target) => targets.some((some) => isSame(some, target))) ?? false
}

function isSame(one: Target, other: Target): boolean {
  return one.kind === other.kind && namedBy(one) === namedBy(other)
}

function namedBy(target: Target): string | number {
  switch (target.kind) {
    case 'name':
      return target.name
    case 'cgroup':
      return target.path
    case 'pid':
      return target.pid
    case 'uid':
      return target.uid
  }
}

function coversCalls(earlier: Rule, later: Rule): boolean {
  if (earlier.kind !== 'syscall' || later.kind !== 'syscall') return true
  return later.syscalls.every((name) => earlier.syscalls.includes(name))
}

/** As far as the keys tell. */
function covers(earlier: Rule, later: Rule): boolean {
  return keysOf(earlier.kind).every((key) => key.covers?.(earlier, later) ?? true)
}
