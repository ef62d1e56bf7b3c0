/** Starts every engine of a plan. If an engine that was only preferred fails to attach, another takes its rules. */
import type { AttachedEngine, Engine, EngineContext, EngineName } from '../engines/engine.ts'
import type { UndoStack } from '../undo.ts'
import type { CommandPlan, Plan } from './plan.ts'

export interface AttachedEngines {
  readonly engines: readonly AttachedEngine[]
  /** The same, by what they are. */
  readonly attached: ReadonlyMap<Engine, AttachedEngine>
  /** Which engine does each rule, by index. */
  readonly names: readonly EngineName[]
  /** What a reader of the summary must know. */
  readonly notes: readonly string[]
}

/** What the session has for its engines, apart from the plan. */
type Own = Pick<
  EngineContext,
  | 'scope'
  | 'callers'
  | 'controlSocket'
  | 'machine'
  | 'cgroup'
  | 'supervisor'
  | 'user'
  | 'targets'
  | 'onNotice'
>

export function contextOf(plan: Plan, own: Own): EngineContext {
  const { rules, seed, includeLoader, includeSetuid, keepsLoaded, onEvent } = plan
  return { rules, seed, includeLoader, includeSetuid, keepsLoaded, onEvent, ...own }
}

/** @throws {MinderbinderError} */
export async function attachEngines(
  plan: Plan & Pick<CommandPlan, 'engineInstead'>,
  own: Own,
  undo: UndoStack,
): Promise<AttachedEngines> {
  const byEngine = new Map<Engine, AttachedEngine>()
  const names: EngineName[] = []
  const notes: string[] = []
  // An engine that takes over comes later, and so is found here with all that it has to do.
  const plans = new Map(plan.engines)
  for (const [engine, indices] of plans) {
    let attached: AttachedEngine
    try {
      attached = await engine.attach(contextOf(plan, own), indices)
    } catch (error) {
      const instead = plan.engineInstead?.(engine, indices)
      if (!instead) throw error
      plans.set(
        instead,
        [...(plans.get(instead) ?? []), ...indices].sort((a, b) => a - b),
      )
      notes.push(takenOver(engine, instead, error))
      continue
    }
    undo.push(() => attached.close())
    byEngine.set(engine, attached)
    for (const index of indices) names[index] = engine.name
  }
  return { engines: [...byEngine.values()], attached: byEngine, names, notes }
}

function takenOver(failed: Engine, instead: Engine, error: unknown): string {
  const why = error instanceof Error ? error.message : String(error)
  return `${failed.name} did not attach, and ${instead.name} did its rules: ${why}`
}
