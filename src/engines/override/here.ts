/**
 * Whether override can work on this kernel, for these privileges, as far as that shows without loading
 * anything: `auto` asks at each run, and on kernels without override that must cost nothing.
 */
import { architecture } from '../../kernel/architecture.ts'
import { whyNoChildCgroup } from '../../kernel/cgroup/place.ts'
import { isTurnedOff } from '../../kernel/no-feature.ts'
import { hasDirectCalls } from '../../kernel/tracing/direct-calls.ts'
import { entryFunctionNames } from '../../kernel/tracing/entry-function.ts'
import { failableFunctions, whyNoErrorInjection } from '../../kernel/tracing/error-injection.ts'
import { isCalled } from '../../kernel/tracing/ftrace-jump.ts'
import type { SyscallRule } from '../../rules/rule.ts'
import { namedCalls } from './tables.ts'
import { unmetCalls } from './unmet-calls.ts'
import type { AvailableWays } from './ways.ts'

let answer: { why: string | undefined } | undefined

/** undefined if nothing speaks against it. Looked up once. */
export function whyNotHere(): string | undefined {
  answer ??= { why: lookUp() }
  return answer.why
}

function lookUp(): string | undefined {
  if (!availableWays.modify && !availableWays.kprobe)
    return 'neither fmod_ret nor kprobe programs may be used'
  if (process.geteuid?.() !== 0) return 'it needs root'
  return whyNoErrorInjection() ?? whyNoChildCgroup()
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

/** Whether this kernel lets the call fail, as far as it says. */
function mayFail(name: string): boolean {
  if (failable === null) failable = failableFunctions()
  if (!failable) return true
  return entryFunctionNames(name, architecture).some((each) => failable?.has(each))
}

/** Calls that the user has named and that cannot be faulted here. */
export function notFailable(rule: SyscallRule): string[] {
  return unmetCalls(rule, mayFail)
}

/** The calls that the rules name, without those that this kernel does not let fail. */
export function failableCalls(rules: readonly SyscallRule[]): string[] {
  return namedCalls(rules).filter(mayFail)
}
