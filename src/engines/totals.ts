/** What the engines of a session have done, put together. */

import { noCounts, type RuleCounts } from '../rules/rule.ts'
import type { AttachedEngine, EngineSnapshot } from './engine.ts'

export interface EngineTotals {
  /** By slot, one for each rule that there is or was. */
  readonly counts: readonly RuleCounts[]
  readonly lostEvents: bigint
  readonly foreignCalls: bigint
  /** By slot: paths that came near a rule's path= and did not match, at most a few for each rule. */
  readonly nearPaths: ReadonlyMap<number, readonly string[]>
  /** What else the engines report. */
  readonly notes: readonly string[]
}

/** As of now: engines that are not lifted go on. */
export async function collectCounts(
  ruleCount: number,
  engines: readonly Pick<AttachedEngine, 'snapshot'>[],
): Promise<EngineTotals> {
  const snapshots: EngineSnapshot[] = []
  for (const engine of engines) snapshots.push(await engine.snapshot())
  return totalsOf(ruleCount, snapshots)
}

export function totalsOf(ruleCount: number, snapshots: readonly EngineSnapshot[]): EngineTotals {
  const counts: RuleCounts[] = new Array(ruleCount).fill(noCounts)
  let lostEvents = 0n
  let foreignCalls = 0n
  const nearPaths = new Map<number, readonly string[]>()
  const notes: string[] = []
  for (const own of snapshots) {
    for (const [index, count] of own.counts) counts[index] = count
    lostEvents += own.lostEvents
    foreignCalls += own.foreignCalls ?? 0n
    for (const [index, paths] of own.nearPaths ?? []) nearPaths.set(index, paths)
    notes.push(...(own.notes ?? []))
  }
  return { counts, lostEvents, foreignCalls, nearPaths, notes }
}
