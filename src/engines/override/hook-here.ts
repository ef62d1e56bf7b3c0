/** Whether the engine hook can work on this kernel, for these privileges. */
import { architecture } from '../../kernel/architecture.ts'
import { whyNoChildCgroup } from '../../kernel/cgroup/place.ts'
import { isTurnedOff } from '../../kernel/no-feature.ts'
import { hasDirectCalls } from '../../kernel/tracing/direct-calls.ts'
import { entryFunctionNames } from '../../kernel/tracing/entry-function.ts'
import { whyNoProgramAt, withoutType } from '../../kernel/tracing/security-hooks.ts'
import type { SyscallRule } from '../../rules/rule.ts'
import { hookFunctions, hooksOf } from './hooks.ts'
import { namedCalls } from './tables.ts'
import { unmetCalls } from './unmet-calls.ts'

let tried: Promise<void> | undefined
let whyNoProgram: string | undefined

/**
 * Finds out by trying, once, what whyNoHooksHere() is to know: `run` asks before it takes a rule. It costs some 30
 * milliseconds, so others do not, and learn it from attach().
 */
export function tryHooksHere(): Promise<void> {
  tried ??= tryOne()
  return tried
}

async function tryOne(): Promise<void> {
  if (whyNoHooksHere([]) !== undefined) return
  try {
    const why = await whyNoProgramAt(hookFunctions[0]!)
    whyNoProgram = why && `this kernel accepts no program at its security hooks (${why})`
  } catch (error) {
    whyNoProgram = error instanceof Error ? error.message : String(error)
  }
}

/** undefined if nothing speaks against it. */
export function whyNoHooksHere(rules: readonly SyscallRule[]): string | undefined {
  if (isTurnedOff('fmod_ret')) return 'fmod_ret programs may not be used'
  if (process.geteuid?.() !== 0) return 'it needs root'
  if (!hasDirectCalls()) return 'no fmod_ret program attaches here'
  if (whyNoProgram !== undefined) return whyNoProgram
  const needed = new Set(namedCalls(rules).flatMap((call) => hooksOf(call)))
  const [missing] = withoutType([hookFunctions[0]!, ...needed])
  if (missing !== undefined)
    return `this kernel has no ${missing}, or no BTF (CONFIG_SECURITY, CONFIG_DEBUG_INFO_BTF)`
  return whyNoChildCgroup()
}

function exists(call: string): boolean {
  const names = entryFunctionNames(call, architecture)
  return withoutType(names).length < names.length
}

/** Calls that the user has named and this kernel does not have. */
export function missingCalls(rule: SyscallRule): string[] {
  return unmetCalls(rule, exists)
}

/** The calls that the rules name, without those that this kernel does not have. */
export function existingCalls(rules: readonly SyscallRule[]): string[] {
  return namedCalls(rules).filter(exists)
}
