/** System call rules of a command in the kernel: those that it was started with stay, and others come and go. */
import type { Caller } from '../../launch/change-frame.ts'
import type { Rule, SyscallRule } from '../../rules/rule.ts'
import { changing, refusalForCaller } from '../changing.ts'
import type { AttachedEngine, Engine, EngineContext } from '../engine.ts'
import type { Manner } from './manner.ts'

/** Everything or nothing. @throws {MinderbinderError} */
export async function attachCalls(
  manner: Manner,
  context: EngineContext,
  indices: readonly number[],
  refusalHere: NonNullable<Engine['refusalHere']>,
): Promise<AttachedEngine> {
  // Imported here: a start that does without these engines does not wait for it.
  const begin = async () => (await import('./start.ts')).start(manner, context, indices)
  if (!context.scope) return begin()
  const open = async () => {
    const { AddedCallRules } = await import('./added-rules.ts')
    return new AddedCallRules(manner, context)
  }
  const own = indices.length > 0 ? await begin() : undefined
  return changing(
    own,
    open,
    (rule, caller) => refusalNow(manner, rule, caller, context) ?? refusalHere([rule]),
  )
}

function refusalNow(
  { name }: Manner,
  rule: Rule,
  caller: Caller | undefined,
  context: EngineContext,
): string | undefined {
  if (caller?.scope === 'thread') return `${name} distinguishes processes, not their threads`
  // What processes have counted stays until they end, and takes its room.
  if ((rule as SyscallRule).scope === 'process')
    return 'it counts by process (scope=process) only for rules that the command was started with'
  return refusalForCaller(rule, caller, context)
}
