/** What the engines of a session have done, put together. */
import type { AttachedEngine } from '../engines/engine.ts'
import type { RuleCounts } from '../rules/rule.ts'

export interface EngineTotals {
  /** One for each rule of the plan. */
  readonly counts: readonly RuleCounts[]
  readonly lostEvents: bigint
  readonly foreignCalls: bigint
  /** What the engines have to say besides. */
  readonly notes: readonly string[]
}

const nothing: RuleCounts = { seen: 0n, matched: 0n, fired: 0n }

/** As of now: engines that are not lifted go on. */
export async function collectCounts(
  ruleCount: number,
  engines: readonly AttachedEngine[],
): Promise<EngineTotals> {
  const counts: RuleCounts[] = new Array(ruleCount).fill(nothing)
  let lostEvents = 0n
  let foreignCalls = 0n
  const notes: string[] = []
  for (const engine of engines) {
    for (const [index, count] of await engine.counts()) counts[index] = count
    lostEvents += engine.lostEvents()
    foreignCalls += engine.foreignCalls?.() ?? 0n
    notes.push(...(engine.notes?.() ?? []))
  }
  return { counts, lostEvents, foreignCalls, notes }
}
