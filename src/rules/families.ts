/** Sets of system calls with one name: strace's classes with strace's meaning, and ours. */

import type { Architecture } from './rule.ts'

export interface Family {
  /** Without the %. */
  readonly name: string
  readonly description: string
  /** What a rule on the family names, by number. */
  readonly members: readonly string[]
  /** Belong to the family by its meaning, and cannot be faulted: vDSO calls, exit, rt_sigreturn. */
  readonly leftOut: readonly string[]
}

/** Every family, by its name without the %: `families('arm64').get('file')`. */
export function families(_arch: Architecture): ReadonlyMap<string, Family> {
  return new Map()
}
