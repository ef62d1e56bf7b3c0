/** System call faults at the security hooks that a call passes inside, on kernels that let no call fail at its entry. */
import { MinderbinderError } from '../../errors.ts'
import { notAtEntry } from '../../rules/outcomes/index.ts'
import type { Rule } from '../../rules/rule.ts'
import { listNames } from '../../rules/words/lists.ts'
import type { AttachedEngine, Engine, EngineContext } from '../engine.ts'
import { beyondArguments } from './arguments-only.ts'
import { attachCalls } from './changing.ts'
import { existingCalls, missingCalls, tryHooksHere, whyNoHooksHere } from './hook-here.ts'
import { unhookedCalls } from './hooks.ts'
import { atHooks } from './manner.ts'
import { MODIFIED_MAX } from './ways.ts'

export const hook: Engine = {
  name: 'hook',
  // A rule misses calls that fail before their hook. So it counts other occurrences than the other engines do, and one
  // command line would hit other calls on another kernel. Also, each program that it attaches makes exec start later
  // (CONTRIBUTING, "Why auto takes hook only in run").
  onlyByName: true,
  addedRules: 'if named',
  refusal,
  refusalHere,
  attach,
}

function refusal(rule: Rule): string | undefined {
  if (rule.kind !== 'syscall') return 'hook sees system calls, not packets'
  const beyond = beyondArguments('hook', rule)
  if (beyond !== undefined) return beyond
  if (rule.outcome.kind !== 'errno')
    return notAtEntry(rule.outcome) ?? 'hook makes calls fail, and cannot make them return a value'
  const without = unhookedCalls(rule)
  if (without.length === 0) return undefined
  return `${listNames(without, 'and', 6)} ${without.length > 1 ? 'pass' : 'passes'} no hook of the kernel at which nothing has happened yet`
}

function refusalHere(plan: readonly Rule[]): string | undefined {
  const rules = plan.filter((rule) => rule.kind === 'syscall')
  const why = whyNoHooksHere(rules)
  if (why !== undefined) return why
  const missing = rules.flatMap((rule) => missingCalls(rule))
  if (missing.length > 0) return `this kernel has no ${listNames(missing, 'or')}`
  const calls = existingCalls(rules).length
  if (calls <= MODIFIED_MAX) return undefined
  return `hook can watch ${MODIFIED_MAX} system calls here, and these are ${calls}`
}

async function attach(context: EngineContext, indices: readonly number[]): Promise<AttachedEngine> {
  // For rules that come later nothing is attached now that could report it.
  if (context.scope) await tryHooksHere()
  const why = refusalHere(indices.map((index) => context.rules[index]!))
  if (why !== undefined)
    throw new MinderbinderError('MB_NO_ENGINE', `hook does not work here: ${why}`)
  return attachCalls(atHooks, context, indices, refusalHere)
}
