/**
 * Whether override can work on this kernel, for these privileges, as far as that shows without loading
 * anything: `auto` asks at each run, and on kernels without override that must cost nothing.
 */
import { accessSync, constants } from 'node:fs'
import { architecture } from '../../kernel/architecture.ts'
import { ownCgroup } from '../../kernel/cgroup/place.ts'
import { isTurnedOff } from '../../kernel/no-feature.ts'
import { hasDirectCalls } from '../../kernel/tracing/direct-calls.ts'
import { entryFunctionNames } from '../../kernel/tracing/entry-function.ts'
import { failableFunctions, whyNoErrorInjection } from '../../kernel/tracing/error-injection.ts'
import { isCalled } from '../../kernel/tracing/ftrace-jump.ts'
import type { SyscallRule } from '../../rules/rule.ts'
import { namedCalls } from './tables.ts'
import type { AvailableWays } from './ways.ts'

let answer: { why: string | undefined } | undefined

/** undefined where nothing speaks against it. Looked up once. */
export function whyNotHere(): string | undefined {
  answer ??= { why: lookUp() }
  return answer.why
}

function lookUp(): string | undefined {
  if (!availableWays.modify && !availableWays.kprobe)
    return 'neither fmod_ret nor kprobe programs may be used'
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

/** What may be gone here; looked up when it is asked for. */
export const availableWays: AvailableWays = {
  get modify() {
    return !isTurnedOff('fmod_ret') && hasDirectCalls()
  },
  get kprobe() {
    return !isTurnedOff('kprobe') && isCalled('kprobe_ftrace_handler')
  },
  get second() {
    return isCalled('ftrace_ops_list_func')
  },
}

let failable: ReadonlySet<string> | undefined | null = null

/** Whether this kernel lets the call fail; undefined where it does not say. */
function canFail(name: string): boolean | undefined {
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
