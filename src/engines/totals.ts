/** What the engines of a session have done, put together. */

import { noCounts, type RuleCounts } from '../rules/rule.ts'
import type { AttachedEngine } from './engine.ts'

export interface EngineTotals {
  /** One for each rule of the plan. */
  readonly counts: readonly RuleCounts[]
  readonly lostEvents: bigint
  readonly foreignCalls: bigint
  /** By rule index: paths that came near a rule's path= and did not match, at most a few for each rule. */
  readonly nearPaths: ReadonlyMap<number, readonly string[]>
  /** What the engines have to say besides. */
  readonly notes: readonly string[]
}

/** As of now: engines that are not lifted go on. */
export async function collectCounts(
  ruleCount: number,
  engines: readonly AttachedEngine[],
): Promise<EngineTotals> {
  const counts: RuleCounts[] = new Array(ruleCount).fill(noCounts)
  let lostEvents = 0n
  let foreignCalls = 0n
  const nearPaths = new Map<number, readonly string[]>()
  const notes: string[] = []
  for (const engine of engines) {
    const own = await engine.snapshot()
    for (const [index, count] of own.counts) counts[index] = count
    lostEvents += own.lostEvents
    foreignCalls += own.foreignCalls ?? 0n
    for (const [index, paths] of own.nearPaths ?? []) nearPaths.set(index, paths)
    notes.push(...(own.notes ?? []))
  }
  return { counts, lostEvents, foreignCalls, nearPaths, notes }
}
