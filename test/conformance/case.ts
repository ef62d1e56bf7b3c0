/** One row of the conformance table. */
import type { Need } from '../helpers/requires.ts'
import type { Fault } from './fault.ts'
import type { Program, Step } from './steps.ts'

interface Common {
  /** Of what the case is about: results are shown by it. */
  readonly group: string
  readonly title: string
  readonly faults: readonly Fault[]
  /** 1 where left out. */
  readonly seed?: bigint
  readonly needs?: readonly Need[]
  /** One of the few that are run where everything is slow: MINDERBINDER_TEST_QUICK. */
  readonly quick?: true
}

export interface SyscallCase extends Common {
  readonly kind: 'syscall'
  readonly options?: readonly string[]
  /** `steps` where left out. */
  readonly program?: Program
  readonly steps: readonly Step[]
  /**
   * Where things run side by side: which lines come is known, but not in what order; or only how often each call
   * returned what.
   */
  readonly order?: 'lines' | 'calls'
  /** Other calls of the programs' count too: `seen`, where path= keeps them from matching; `all` without. */
  readonly more?: 'seen' | 'all'
  /** What happens while the program holds. */
  readonly meanwhile?: 'sibling' | 'exit'
  /** Must be in the summary, or must not. */
  readonly summary?: RegExp
  readonly notSummary?: RegExp
  /** Not every kernel runs it: without, there is nothing to be seen. */
  readonly foreign?: Program
  /** Whether strace can be asked, where the faults alone do not tell. */
  readonly strace?: false
}

export interface NetworkCase extends Common {
  readonly kind: 'drop-net' | 'refuse-net'
  /** Datagrams sent, connections tried. */
  readonly count: number
  /** PORT in it: where they go. Coming in, that is the own port, which no key names. */
  readonly keys: string
}

export type Case = SyscallCase | NetworkCase

export type CaseRest = Omit<SyscallCase, 'kind' | 'group' | 'title' | 'faults' | 'steps'>

/** Makes the cases of one group. */
export function caseIn(group: string) {
  return (
    title: string,
    faults: readonly Fault[],
    steps: readonly Step[],
    rest: CaseRest = {},
  ): SyscallCase => ({ kind: 'syscall', group, title, faults, steps, ...rest })
}
