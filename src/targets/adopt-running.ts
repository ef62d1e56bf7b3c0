/** The targets that ran before anybody watched. */
import type { Rule } from '../rules/rule.ts'
import { matchAll, namingOf } from './match.ts'
import type { ProcessInfo } from './process-info.ts'
import { remembered } from './remembered.ts'
import type { RunningProcesses } from './running.ts'
import type { TargetEntry } from './target.ts'
import type { TargetSet } from './target-set.ts'

/** Each round finds what was forked by the finds of the one before; a tree that grows faster is not waited for. */
const ROUNDS_MAX = 20

export interface AdoptOptions {
  /** Process ids that are never targets. */
  readonly never: ReadonlySet<number>
  /** Processes that gained privileges by their exec are as others. */
  readonly includeSetuid: boolean
}

/**
 * Puts every running target into the table, before the rules are in force, and hands each to `adopt`. From its follow()
 * on the set keeps track of them by itself. Children that were forked while their parent was not in the table yet are
 * found in the next round.
 *
 * @param set follows no process yet
 * @param running those of the set's table
 */
export async function adoptRunning(
  set: Pick<TargetSet, 'firstRow' | 'addFirst' | 'follow' | 'addAll' | 'forget' | 'spare'>,
  running: Pick<RunningProcesses, 'look' | 'lookAgain' | 'unchanged'>,
  rules: readonly Rule[],
  { never, includeSetuid }: AdoptOptions,
  adopt: (target: TargetEntry) => Promise<void>,
): Promise<void> {
  const naming = namingOf(rules)
  const named = new Map<ProcessInfo, number[]>()
  const adopted = new Map<number, bigint>()
  const rowsOf = remembered((indices: readonly number[]) =>
    indices.map((index) => set.firstRow + index),
  )
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const processes = await (round === 0 ? running.look() : running.lookAgain())
    const candidates = processes.map((process) => {
      const own = named.get(process) ?? naming(process)
      named.set(process, own)
      return { process, named: own }
    })
    const { targets, spared } = matchAll(candidates, rules, never, { includeSetuid })
    set.spare(spared)
    const fresh = candidates.flatMap(({ process: { pid, birth }, process }) => {
      const match = adopted.get(pid) === birth ? undefined : targets.get(pid)
      if (!match) return []
      const sets = { rules: rowsOf(match.rules), inherited: rowsOf(match.inherited) }
      return [{ process, target: { pid, birth, ...sets } }]
    })
    const found = fresh.map(({ target }) => target)
    if (round === 0) {
      set.addFirst(found)
      set.follow()
    } else {
      set.addAll(found)
      if (found.length === 0) return
    }
    // An exec after that the kernel side sees. One before it, perhaps into a program that gains privileges, or its
    // end and another process of its number: then it is looked at again.
    const unchanged = running.unchanged()
    for (const { process, target } of fresh) {
      if (unchanged(process)) {
        adopted.set(target.pid, target.birth)
        await adopt(target)
      } else {
        set.forget(target)
      }
    }
  }
}
