/** Rules that come and go while a command runs (exec --control), beside those that it started with, which stay. */
import { whyNoChildCgroup } from '../kernel/cgroup/place.ts'
import { isInFirstNamespace } from '../kernel/process/namespaces.ts'
import type { Caller } from '../launch/change-frame.ts'
import type { Rule, Slot } from '../rules/rule.ts'
import type {
  AttachedEngine,
  EngineContext,
  EngineSnapshot,
  PreparedChange,
  RuleChange,
} from './engine.ts'

/** Those of clients. */
export interface AddedRules {
  /** @throws {MinderbinderError} and everything is as it was */
  prepare(
    add: ReadonlyMap<Slot, Rule>,
    remove: readonly Slot[],
    caller: Caller | undefined,
  ): Promise<PreparedChange>
  snapshot(): Promise<EngineSnapshot>
  lift(): Promise<void>
  close(): Promise<void>
}

/**
 * @param own what does the rules that the command was started with, if there are any
 * @param open imports what does the others: most commands have none
 */
export function changing(
  own: AttachedEngine | undefined,
  open: () => Promise<AddedRules>,
  refusal: AttachedEngine['refusal'],
): AttachedEngine {
  let opened: Promise<AddedRules> | undefined
  return {
    ...(own?.tellsOfSpared === undefined ? {} : { tellsOfSpared: own.tellsOfSpared }),
    ready: async () => own?.ready?.(),
    start: () => own?.start?.(),
    refusal,
    async prepare({ add, remove, caller }: RuleChange): Promise<PreparedChange> {
      opened ??= open()
      return (await opened).prepare(add, remove, caller)
    },
    async lift() {
      await own?.lift?.()
      await (await opened)?.lift()
    },
    async snapshot() {
      const all = [await own?.snapshot(), await (await opened)?.snapshot()]
      return joined(all.filter((each) => each !== undefined))
    },
    async close() {
      await own?.close()
      await (await opened)?.close()
    },
  }
}

/** Why no engine that finds its targets by CallerTargets can do this rule now. */
export function refusalForCaller(
  rule: Rule,
  caller: Caller | undefined,
  { cgroup, machine }: EngineContext,
): string | undefined {
  if (!caller) return 'its rules stay as they are while the command runs'
  if (caller.scope === 'exec' || caller.draws || caller.events)
    return 'scope exec, seed and events are for faults that ptrace or seccomp inject'
  if (rule.targets) return 'it finds targets only for rules that the command was started with'
  if (process.geteuid?.() !== 0) return 'it needs root'
  if (!cgroup && !machine)
    return whyNoChildCgroup() ?? 'it finds its target by a cgroup, and none was made'
  // Process ids that the kernel's programs see are those of the first namespace.
  if (!isInFirstNamespace('pid')) return 'it needs to see all process ids of the machine'
  return undefined
}

function joined(all: readonly EngineSnapshot[]): EngineSnapshot {
  return {
    counts: new Map(all.flatMap(({ counts }) => [...counts])),
    lostEvents: all.reduce((sum, each) => sum + each.lostEvents, 0n),
    foreignCalls: all.reduce((sum, { foreignCalls = 0n }) => sum + foreignCalls, 0n),
    notes: all.flatMap(({ notes = [] }) => notes),
  }
}
