/** Network rules of a command: those that it was started with stay, and others come and go if the session's may change. */
import { isInFirstNamespace } from '../../kernel/process/namespaces.ts'
import type { Caller } from '../../launch/change-frame.ts'
import type { Rule } from '../../rules/rule.ts'
import { changing, refusalForCaller } from '../changing.ts'
import type { Engine, EngineContext } from '../engine.ts'
import type { NetworkEngine } from './start.ts'

/** @param load what the engine attaches, imported when it does */
export function attachNetwork(load: () => Promise<NetworkEngine>): Engine['attach'] {
  return async (context, indices) => {
    const start = async () => {
      const { startNetwork } = await import('./start.ts')
      return startNetwork(await load(), context, indices)
    }
    if (!context.scope) return start()
    const open = async () => {
      const { AddedNetworkRules } = await import('./added-rules.ts')
      return new AddedNetworkRules(await load(), context)
    }
    const own = indices.length > 0 ? await start() : undefined
    return changing(own, open, (rule, caller) => refusalNow(rule, caller, context))
  }
}

function refusalNow(
  rule: Rule,
  caller: Caller | undefined,
  context: EngineContext,
): string | undefined {
  if (caller?.scope === 'thread') return 'sockets belong to a process, not to one of its threads'
  if (context.machine && !isInFirstNamespace('cgroup'))
    return 'it needs the root of the cgroups, and this is a cgroup namespace'
  return refusalForCaller(rule, caller, context)
}
