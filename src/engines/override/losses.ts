/** What did not go as it should with calls that the kernel's own programs decide. Pure. */
import { sparedNotes } from '../../report/spared-notes.ts'
import { PROCESSES_MAX } from '../../targets/limits.ts'

/** struct losses of bpf/override.bpf.h, and what the kernel says of the programs */
export interface Losses {
  readonly events: bigint
  readonly foreignCalls: bigint
  readonly foreignPrograms: bigint
  readonly untracked: bigint
  /** Programs that gained privileges. */
  readonly spared: bigint
  /** Processes of those that there was no room to remember: nothing has been faulted since. */
  readonly forgotten: bigint
  /** Calls that were made while a program for the same call was interrupted on the same CPU. */
  readonly missed: bigint
}

export const noLosses: Losses = {
  events: 0n,
  foreignCalls: 0n,
  foreignPrograms: 0n,
  untracked: 0n,
  spared: 0n,
  forgotten: 0n,
  missed: 0n,
}

export function lossesSince(all: Losses, told: Losses): Losses {
  return {
    events: all.events - told.events,
    foreignCalls: all.foreignCalls - told.foreignCalls,
    foreignPrograms: all.foreignPrograms - told.foreignPrograms,
    untracked: all.untracked - told.untracked,
    spared: all.spared - told.spared,
    forgotten: all.forgotten - told.forgotten,
    missed: all.missed - told.missed,
  }
}

export function notesOn(
  engine: 'override' | 'hook',
  { foreignPrograms, spared, forgotten, untracked, missed }: Losses,
): string[] {
  const lines: [bigint, string][] = [
    [foreignPrograms, '32-bit programs were started: their calls bypassed the rules'],
    [missed, 'calls were not compared with the rules: another call was, on the same CPU'],
    [
      untracked,
      `times a process could not be tracked because the table was full (${PROCESSES_MAX} at a time, fewer with scope=process)`,
    ],
  ]
  const ended = `${engine}: the faults ended early: the table of ${PROCESSES_MAX} processes was full, and a process to be spared did not fit`
  return [
    ...sparedNotes(spared, ['program', 'programs']),
    ...(forgotten === 0n ? [] : [ended]),
    ...lines.flatMap(([count, text]) => (count === 0n ? [] : [`${engine}: ${count} ${text}`])),
  ]
}
