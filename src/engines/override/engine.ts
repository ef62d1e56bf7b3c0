/** System call faults in the kernel, at the entry of the call's own function: at next to no cost. */
import { MinderbinderError } from '../../errors.ts'
import { notAtEntry } from '../../rules/outcomes/index.ts'
import type { Rule } from '../../rules/rule.ts'
import type { AttachedEngine, Engine, EngineContext } from '../engine.ts'
import { beyondArguments } from './arguments-only.ts'
import { attachCalls } from './changing.ts'
import { availableWays, failableCalls, notFailable, whyNotHere } from './here.ts'
import { atEntries } from './manner.ts'
import { chooseWays } from './ways.ts'

export const override: Engine = {
  name: 'override',
  addedRules: 'if named',
  refusal,
  refusalHere,
  attach,
}

function refusal(rule: Rule): string | undefined {
  if (rule.kind !== 'syscall') return 'override sees system calls, not packets'
  return beyondArguments('override', rule) ?? notAtEntry(rule.outcome)
}

/** The cheap checks only: what they let pass may still fail to attach, and then says so. */
function refusalHere(plan: readonly Rule[]): string | undefined {
  const rules = plan.filter((rule) => rule.kind === 'syscall')
  const why = whyNotHere()
  if (why !== undefined) return why
  const missing = rules.flatMap((rule) => notFailable(rule))
  if (missing.length > 0) return `this kernel does not let ${missing.join(', ')} fail`
  const ways = chooseWays(rules, failableCalls(rules), availableWays)
  return typeof ways === 'string' ? ways : undefined
}

async function attach(context: EngineContext, indices: readonly number[]): Promise<AttachedEngine> {
  const why = refusalHere(indices.map((index) => context.rules[index]!))
  if (why !== undefined)
    throw new MinderbinderError('MB_NO_ENGINE', `override does not work here: ${why}`)
  return attachCalls(atEntries, context, indices, refusalHere)
}
