/** The targets that ran before anybody watched. */
import type { Rule } from '../rules/rule.ts'
import { matchAll } from './match.ts'
import { type ProcessInfo, processInfo } from './process-info.ts'
import { RunningProcesses } from './running.ts'
import type { TargetEntry } from './target.ts'
import type { TargetTable } from './target-table.ts'

/** Each round finds what was forked by the finds of the one before; a tree that grows faster is not waited for. */
const ROUNDS_MAX = 20

export interface AdoptOptions {
  /** Process ids that are never targets. */
  readonly never: ReadonlySet<number>
  /** Processes that gained privileges by their exec are as others. */
  readonly includeSetuid: boolean
}

/**
 * Puts every running target into the table, before its rules are in force, and hands each to `adopt`. From then on the
 * table follows them by itself. Children that were forked while their parent was not in the table yet are found in the
 * next round.
 */
export async function adoptRunning(
  table: TargetTable,
  rules: readonly Rule[],
  { never, includeSetuid }: AdoptOptions,
  adopt: (target: TargetEntry) => Promise<void>,
): Promise<void> {
  const running = new RunningProcesses(rules)
  const adopted = new Map<number, bigint>()
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const candidates = await running.look()
    const { targets, spared } = matchAll(candidates, rules, never, { includeSetuid })
    table.spare(spared)
    const fresh = candidates.filter(
      ({ process: { pid, birth } }) => targets.has(pid) && adopted.get(pid) !== birth,
    )
    if (fresh.length === 0) return
    for (const { process } of fresh) {
      const { pid, birth } = process
      const found = targets.get(pid)!
      const target = { pid, birth, rules: found.rules }
      table.add(target, found.inherited)
      // An exec after that the kernel side sees. One before it, perhaps into a program that gains privileges, or its
      // end and another process of its number, only a second look shows.
      if (isAsBefore(process)) {
        adopted.set(pid, birth)
        await adopt(target)
      } else {
        table.forget(target)
        running.forget(pid)
      }
    }
  }
}

function isAsBefore(before: ProcessInfo): boolean {
  const now = processInfo(before.pid)
  return (
    now !== undefined &&
    now.birth === before.birth &&
    now.gainedPrivileges === before.gainedPrivileges &&
    now.names.size === before.names.size &&
    [...now.names].every((name) => before.names.has(name))
  )
}
