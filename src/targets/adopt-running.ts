/** The targets that ran before anybody watched. */
import type { TargetEntry } from '../engines/engine.ts'
import type { Rule } from '../rules/rule.ts'
import { matchAll } from './match.ts'
import { processInfo, runningProcesses } from './process-info.ts'
import type { TargetTable } from './target-table.ts'

/** Each round finds what was forked by the finds of the one before; a tree that grows faster is not waited for. */
const ROUNDS_MAX = 20

/**
 * Puts every running target into the table, and hands each to `adopt`. From then on the table follows them by
 * itself. Children that were forked while their parent was not in the table yet are found in the next round.
 */
export async function adoptRunning(
  table: TargetTable,
  rules: readonly Rule[],
  spared: ReadonlySet<number>,
  adopt: (target: TargetEntry) => Promise<void>,
): Promise<void> {
  const adopted = new Map<number, bigint>()
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const processes = runningProcesses()
    const found = matchAll(processes, rules, spared)
    const fresh = processes.filter(({ pid, birth }) => found.has(pid) && adopted.get(pid) !== birth)
    if (fresh.length === 0) return
    for (const { pid, birth } of fresh) {
      adopted.set(pid, birth)
      const target = { pid, birth, rules: found.get(pid)! }
      table.add(target)
      // It may have ended before the table had it, and its number been given to another.
      if (processInfo(pid)?.birth === birth) await adopt(target)
      else table.forget(target)
    }
  }
}
