/**
 * Whether override can work on this kernel, for these privileges, as far as that shows without loading
 * anything: `auto` asks at each run, and on kernels without override that must cost nothing.
 */
import { accessSync, constants } from 'node:fs'
import { release } from 'node:os'
import { architecture } from '../kernel/architecture.ts'
import { ownCgroup } from '../kernel/cgroup-place.ts'
import { entryFunctionNames } from '../kernel/entry-function.ts'
import { failableFunctions, whyNoErrorInjection } from '../kernel/error-injection.ts'
import { isTurnedOff } from '../kernel/no-feature.ts'
import type { SyscallRule } from '../rules/rule.ts'
import { namedCalls } from './override-tables.ts'
import type { Way } from './override-ways.ts'

let answer: { why: string | undefined } | undefined

/** undefined where nothing speaks against it. Looked up once. */
export function whyNotHere(): string | undefined {
  answer ??= { why: lookUp() }
  return answer.why
}

function lookUp(): string | undefined {
  const { modify, kprobe } = availableWays()
  if (!modify && !kprobe) return 'neither fmod_ret nor kprobe programs may be used'
  if (process.geteuid?.() !== 0) return 'it needs root'
  return whyNoErrorInjection() ?? whyNoCgroup()
}

function whyNoCgroup(): string | undefined {
  try {
    accessSync(ownCgroup().path, constants.W_OK)
    return undefined
  } catch (error) {
    return `it finds its target by a cgroup, and none can be made: ${(error as Error).message}`
  }
}

/**
 * Linux 7.2 was seen to crash (kprobe_ftrace_ops calls address 0) when a kprobe is attached to a function that
 * is being called: nearly each time, on a busy machine. 6.1 and 6.12 do not; what lies between was not tried.
 */
const KPROBES_UP_TO = { major: 6, minor: 12 }

/** The ways that may be gone here. */
export function availableWays(): Readonly<Record<Way, boolean>> {
  const [major = 0, minor = 0] = release().split('.').map(Number.parseFloat)
  const known =
    major < KPROBES_UP_TO.major || (major === KPROBES_UP_TO.major && minor <= KPROBES_UP_TO.minor)
  return { modify: !isTurnedOff('fmod_ret'), kprobe: known && !isTurnedOff('kprobe') }
}

let failable: ReadonlySet<string> | undefined | null = null

/** Whether this kernel lets the call fail; undefined where it does not say. */
export function canFail(name: string): boolean | undefined {
  if (failable === null) failable = failableFunctions()
  return failable && entryFunctionNames(name, architecture).some((each) => failable?.has(each))
}

/**
 * The calls of the rule that cannot be faulted here, of those that the user named. Members of a family may be
 * missing: a call that this kernel does not have fails anyway (ENOSYS).
 */
export function notFailable({ set, syscalls }: SyscallRule): string[] {
  const named = set.split('+')
  const members = syscalls.filter((name) => canFail(name) === false)
  // A family of which nothing is left is as good as named.
  return members.length === syscalls.length ? members : members.filter((n) => named.includes(n))
}

/** The calls that the rules name, without those that this kernel does not let fail. */
export function failableCalls(rules: readonly SyscallRule[]): string[] {
  return namedCalls(rules).filter((name) => canFail(name) !== false)
}
