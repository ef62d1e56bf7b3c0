/** Sets of system calls with one name: strace's classes with strace's meaning, and ours. */

import type { Architecture } from '../architecture.ts'
import { neverReturns, notFaultable } from '../faultable.ts'
import { type Definition, definitions } from './family-table.ts'
import { syscallNames, syscallNumber } from './syscalls.ts'

export interface Family {
  /** Without the %. */
  readonly name: string
  readonly description: string
  /** What a rule on the family names, by number. Empty if this architecture has none (%stat on arm64). */
  readonly members: readonly string[]
  /** Belong to it by its meaning, and are not in `members`: vDSO calls, exit, exit_group, rt_sigreturn. */
  readonly leftOut: readonly string[]
}

/**
 * %all is every call that can fail: without exit and exit_group, or a program whose calls all fail could
 * not even end, and without what `notFaultable` refuses.
 */
const all: Definition = {
  name: 'all',
  description: 'every system call that can be faulted',
}

function build(arch: Architecture): ReadonlyMap<string, Family> {
  const order = syscallNames(arch)
  const family = ({ name, description, calls }: Definition): [string, Family] => {
    const named = new Set(calls?.trim().split(/\s+/) ?? order)
    const present = order.filter((call) => named.has(call))
    const members = present.filter((call) => canFail(call, arch))
    return [
      name,
      { name, description, members, leftOut: present.filter((call) => !members.includes(call)) },
    ]
  }
  return new Map([...definitions, all].map(family))
}

function canFail(call: string, arch: Architecture): boolean {
  return notFaultable(call, arch) === undefined && neverReturns(call) === undefined
}

const built = new Map<Architecture, ReadonlyMap<string, Family>>()

/** Every family, by its name without the %: `families('arm64').get('file')`. */
export function families(arch: Architecture): ReadonlyMap<string, Family> {
  let result = built.get(arch)
  if (result === undefined) {
    result = build(arch)
    built.set(arch, result)
  }
  return result
}

/** The names, without the %, of the families that `call` belongs to; %all, which says nothing, is not named. */
export function familiesOf(call: string, arch: Architecture): readonly string[] {
  if (syscallNumber(call, arch) === undefined) return []
  return [...families(arch).values()]
    .filter((family) => family.name !== all.name && family.members.includes(call))
    .map((family) => family.name)
}
