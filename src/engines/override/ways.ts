/** By which mechanism each system call is met. Pure. */
import type { SyscallRule } from '../../rules/rule.ts'

/**
 * modify: an fmod_ret program of the call's own, cheap at each call, but slow to attach and few to be had; it
 * cannot return 0, which means "go on" to it. kprobe: one program for all, which cannot wait for memory, so
 * that it does not see a path that the program has not touched itself.
 */
export type EntryWay = 'modify' | 'kprobe'

/** hook: the engine of that name. Not at the entry of the call, but at hooks that it passes inside (hooks.ts). */
export type Way = EntryWay | 'hook'

export interface AvailableWays extends Readonly<Record<EntryWay, boolean>> {
  /** Whether a call can have two programs: path= takes one that reads it, and another that decides. */
  readonly second: boolean
}

/** How many programs bpf/syscall.bpf.c has. */
export const MODIFIED_MAX = 16

/** The way of each call in `names`, or why there is none. */
export function chooseWays(
  rules: readonly SyscallRule[],
  names: readonly string[],
  available: AvailableWays,
): ReadonlyMap<string, EntryWay> | string {
  const ways = new Map<string, EntryWay>()
  let left = available.modify ? MODIFIED_MAX : 0
  const needs = names.map((name) => ({ name, ...needsOf(rules, name) }))
  for (const { name, path, zero } of needs) {
    if (!path) continue
    if (zero) return `path= and ret:0 do not go together here, and both are asked of ${name}`
    if (!available.modify) return 'path= needs fmod_ret programs, which do not attach here'
    if (!available.second)
      return `path= takes two programs on ${name}, and this kernel crashes at the second one or hides whether it does`
    if (left === 0) return `path= can watch ${MODIFIED_MAX} system calls here`
    left -= 1
    ways.set(name, 'modify')
  }
  const free = needs.filter(({ path }) => !path)
  // All or none: after one call by kprobe, more of them take no more time.
  const modify = free.length <= left && !free.some(({ zero }) => zero)
  for (const { name, zero } of free) {
    if (!zero && (modify || !available.kprobe) && left > 0) {
      left -= 1
      ways.set(name, 'modify')
    } else if (available.kprobe) {
      ways.set(name, 'kprobe')
    } else if (zero) {
      return `ret:0 needs a kprobe on ${name}, and kprobes are not used here`
    } else {
      return `fmod_ret programs can watch ${MODIFIED_MAX} system calls, and kprobes are not used here`
    }
  }
  return ways
}

/** How a call is met by what is attached. */
export interface AttachedWay {
  readonly way: Way
  /** The paths that it is given have been brought in: by a program, or by the call itself before its first hook. */
  readonly touches: boolean
}

/** Is what is attached enough for these rules on the calls in `names`? */
export function waysServe(
  attached: ReadonlyMap<string, AttachedWay>,
  rules: readonly SyscallRule[],
  names: readonly string[],
): boolean {
  return names.every((name) => {
    const found = attached.get(name)
    const { path, zero } = needsOf(rules, name)
    return found !== undefined && (!path || found.touches) && (!zero || found.way === 'kprobe')
  })
}

function needsOf(rules: readonly SyscallRule[], name: string): { path: boolean; zero: boolean } {
  const naming = rules.filter(({ syscalls }) => syscalls.includes(name))
  return {
    path: naming.some(({ paths }) => paths !== undefined),
    zero: naming.some(({ outcome }) => outcome.kind === 'return' && outcome.value === 0n),
  }
}
