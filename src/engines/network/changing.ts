/** Network rules of a command: those that it was started with stay, and others come and go if the session's may change. */
import { whyNoChildCgroup } from '../../kernel/cgroup/place.ts'
import { isInFirstNamespace } from '../../kernel/process/namespaces.ts'
import type { Caller } from '../../launch/change-frame.ts'
import type { Rule } from '../../rules/rule.ts'
import type {
  AttachedEngine,
  Engine,
  EngineContext,
  EngineSnapshot,
  PreparedChange,
  RuleChange,
} from '../engine.ts'
import type { NetworkEngine } from './start.ts'

/** @param load what the engine attaches, imported when it does */
export function attachNetwork(load: () => Promise<NetworkEngine>): Engine['attach'] {
  return async (context, indices) => {
    const start = async () => {
      const { startNetwork } = await import('./start.ts')
      return startNetwork(await load(), context, indices)
    }
    if (!context.scope) return start()
    return changingNetwork(load, context, indices.length > 0 ? await start() : undefined)
  }
}

/** @param own what does the rules that the command was started with, if there are any */
function changingNetwork(
  load: () => Promise<NetworkEngine>,
  context: EngineContext,
  own: AttachedEngine | undefined,
): AttachedEngine {
  let opened: Promise<AddedRules> | undefined
  const added = () => {
    opened ??= import('./added-rules.ts').then(
      async ({ AddedRules }) => new AddedRules(await load(), context),
    )
    return opened
  }
  return {
    ready: async () => own?.ready?.(),
    start: () => own?.start?.(),
    refusal: (rule, caller) => refusalNow(rule, caller, context),
    async prepare({ add, remove, caller }: RuleChange): Promise<PreparedChange> {
      return (await added()).prepare(add, remove, caller)
    },
    async lift() {
      await own?.lift?.()
      await (await opened)?.lift()
    },
    async snapshot() {
      const all = [await own?.snapshot(), (await opened)?.snapshot()]
      return joined(all.filter((each) => each !== undefined))
    },
    async close() {
      await own?.close()
      await (await opened)?.close()
    },
  }
}

type AddedRules = import('./added-rules.ts').AddedRules

function refusalNow(
  rule: Rule,
  caller: Caller | undefined,
  { cgroup }: EngineContext,
): string | undefined {
  if (!caller) return 'its rules stay as they are while the command runs'
  if (caller.scope === 'thread') return 'sockets belong to a process, and to none of its threads'
  if (rule.targets)
    return 'it finds the targets of those rules only that the command was started with'
  if (process.geteuid?.() !== 0) return 'it needs root'
  if (!cgroup) return whyNoChildCgroup() ?? 'it finds its target by a cgroup, and none was made'
  // Process ids that the kernel's programs see are those of the first namespace.
  if (!isInFirstNamespace('pid')) return 'it needs to see all process ids of the machine'
  return undefined
}

function joined(all: readonly EngineSnapshot[]): EngineSnapshot {
  return {
    counts: new Map(all.flatMap(({ counts }) => [...counts])),
    lostEvents: all.reduce((sum, each) => sum + each.lostEvents, 0n),
    notes: all.flatMap(({ notes = [] }) => notes),
  }
}
