/** What earlier rules did, within bounds: a run may last for months and read its files every minute. Pure. */
import { type MachineRun, type PeriodReport, type ReplacedBefore, roundMs } from './run-report.ts'

/** Of the sets that are listed: their rules, their notes, and one for each set itself. Some megabytes. */
const REPLACED_MOST = 10_000

export type Replaced = Pick<MachineRun, 'replaced' | 'replacedBefore'>

export const noneReplaced: Replaced = { replaced: [], replacedBefore: undefined }

/** With `period`, the latest. @param most instead of REPLACED_MOST */
export function addReplaced(
  { replaced, replacedBefore }: Replaced,
  period: PeriodReport,
  most: number = REPLACED_MOST,
): Replaced {
  const all = [...replaced, period]
  let size = all.reduce((sum, each) => sum + sizeOf(each), 0)
  let before = replacedBefore
  let first = 0
  for (; size > most; first++) {
    before = sumUp(before, all[first]!)
    size -= sizeOf(all[first]!)
  }
  return { replaced: all.slice(first), replacedBefore: before }
}

function sizeOf({ rules, notes }: PeriodReport): number {
  return 1 + rules.length + notes.length
}

function sumUp(before: ReplacedBefore | undefined, period: PeriodReport): ReplacedBefore {
  return {
    sets: (before?.sets ?? 0) + 1,
    fired: period.rules.reduce((sum, { fired }) => sum + fired, before?.fired ?? 0),
    lostEvents: (before?.lostEvents ?? 0) + period.lostEvents,
    startedAt: before?.startedAt ?? period.startedAt,
    durationMs: roundMs((before?.durationMs ?? 0) + period.durationMs),
  }
}
