/** What the supervisor's counts mean to a reader of the summary, one line each. Pure. */
import type { SupervisorCounts } from '../../launch/counts-frame.ts'
import { sparedNotes } from '../../report/spared-notes.ts'
import type { EngineName } from '../engine.ts'

type Counts = Pick<
  SupervisorCounts,
  'interruptedCalls' | 'unsentSignals' | 'sparedCalls' | 'unreadLoaders' | 'refusedTracers'
>

export type SupervisedEngine = Extract<EngineName, 'seccomp' | 'ptrace'>

export function supervisorNotes(counts: Counts): string[] {
  const { interruptedCalls, unsentSignals, sparedCalls, unreadLoaders, refusedTracers } = counts
  return [
    note(
      interruptedCalls,
      ['call was', 'calls were'],
      'interrupted by a signal before minderbinder looked: unless the handler has SA_RESTART, ' +
        'such a call fails with EINTR and does not run (--engine ptrace interrupts none)',
    ),
    note(
      refusedTracers,
      ['ptrace call', 'ptrace calls'],
      'of the command failed with EPERM: minderbinder traces its processes already; ' +
        'debuggers, strace, crash handlers and LeakSanitizer work under --engine seccomp',
    ),
    note(
      unsentSignals,
      ['signal', 'signals'],
      "could not be sent, and the call ran: the queue of the user's pending signals was full, " +
        'or sending was not permitted (ulimit -i)',
    ),
    sparedNotes(sparedCalls, ['call of a program', 'calls of programs']),
    note(
      unreadLoaders,
      ['program', 'programs'],
      'could not be looked into (not readable, or not dumpable): ' +
        'calls of the dynamic loader were faulted too',
    ),
  ].flat()
}

function note(count: bigint, [one, more]: readonly [string, string], text: string): string[] {
  return count === 0n ? [] : [`${count} ${count === 1n ? one : more} ${text}`]
}
