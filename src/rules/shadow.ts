/** Rules that leave nothing to a later one: the first rule that fires wins. */
import type { Cidr, NetworkRule, Rule, SyscallRule, Target } from './rule.ts'

/**
 * The index of an earlier rule that fires at every call, packet or connection at which this one could fire; undefined
 * if there is none. Sure of what it says: what only a comparison of globs would tell is not found.
 */
export function shadowedBy(rules: readonly Rule[], index: number): number | undefined {
  const rule = rules[index]
  if (rule === undefined) return undefined
  const earlier = rules.slice(0, index).findIndex((candidate) => leavesNothing(candidate, rule))
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
  const covers =
    earlier.kind === 'syscall'
      ? later.kind === 'syscall' && coversCalls(earlier, later)
      : later.kind === earlier.kind && coversPackets(earlier, later)
  return covers && startsNoLater(earlier, later) && coversProcesses(earlier, later)
}

function firesAlways({ rate, times, when: { first, last, step } }: Rule): boolean {
  return (
    rate === 100 && times === 0 && first === 1 && last === Number.POSITIVE_INFINITY && step === 1
  )
}

/** For packets without targets after= counts from the start of the run, and otherwise from that of the process. */
function startsNoLater(earlier: Rule, later: Rule): boolean {
  if (earlier.afterNs === 0n) return true
  const sameClock =
    earlier.kind === 'syscall' || (earlier.targets === undefined) === (later.targets === undefined)
  return sameClock && earlier.afterNs <= later.afterNs
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

function coversCalls(earlier: SyscallRule, later: SyscallRule): boolean {
  return (
    later.syscalls.every((name) => earlier.syscalls.includes(name)) &&
    (earlier.fd === undefined || earlier.fd === later.fd) &&
    (earlier.path === undefined ||
      earlier.path === later.path ||
      (later.path !== undefined && /^\*+$/.test(earlier.path)))
  )
}

function coversPackets(earlier: NetworkRule, later: NetworkRule): boolean {
  const { protocol, port, to } = earlier
  return (
    earlier.direction === later.direction &&
    (protocol === undefined || protocol === later.protocol) &&
    (earlier.interface === undefined || earlier.interface === later.interface) &&
    (port === undefined ||
      (later.port !== undefined && port.low <= later.port.low && later.port.high <= port.high)) &&
    (to === undefined || (later.to !== undefined && coversBlock(to, later.to)))
  )
}

function coversBlock(wide: Cidr, narrow: Cidr): boolean {
  if (wide.family !== narrow.family || wide.prefix > narrow.prefix) return false
  return wide.address.every((byte, at) => {
    const bits = Math.min(8, Math.max(0, wide.prefix - at * 8))
    const mask = 256 - 2 ** (8 - bits)
    return (byte & mask) === ((narrow.address[at] ?? 0) & mask)
  })
}
