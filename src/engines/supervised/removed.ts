/** What rules have done that are no longer in force: the supervisor has room for those that are. Pure. */
import type { SupervisorCounts } from '../../launch/counts-frame.ts'
import type { RuleCounts, Slot } from '../../rules/rule.ts'
import type { EngineSnapshot } from '../engine.ts'

type Done = Pick<SupervisorCounts, 'rules' | 'nearPaths'>

export class RemovedRules {
  readonly #counts = new Map<Slot, RuleCounts>()
  readonly #nearPaths = new Map<Slot, readonly string[]>()

  /** @param last what they had done when they were removed */
  keep(last: Done): void {
    for (const [slot, counts] of last.rules) this.#counts.set(slot, counts)
    for (const [slot, paths] of last.nearPaths) this.#nearPaths.set(slot, this.#near(slot, paths))
  }

  /** @param now what those in force have done */
  and(now: Done): Required<Pick<EngineSnapshot, 'counts' | 'nearPaths'>> {
    return {
      counts: new Map([...this.#counts, ...now.rules]),
      nearPaths: new Map([
        ...this.#nearPaths,
        ...[...now.nearPaths].map(([slot, paths]) => [slot, this.#near(slot, paths)] as const),
      ]),
    }
  }

  /** A call that was under way when its rule was removed may come near it after that. */
  #near(slot: Slot, more: readonly string[]): readonly string[] {
    return [...new Set([...(this.#nearPaths.get(slot) ?? []), ...more])]
  }
}
