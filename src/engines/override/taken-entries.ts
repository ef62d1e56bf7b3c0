/**
 * What is attached to the entries of system calls before us: another session's programs, or a tracer's. On x86_64 a
 * function that BPF's trampoline is called from goes on where that says, whatever a kprobe has set: ftrace_regs_caller
 * (arch/x86/kernel/ftrace_64.S) takes the direct call, and the override of the kprobe, which has been counted, is lost.
 * Seen on 6.12.95. On arm64 kprobes are traps, which come before.
 */
import { architecture } from '../../kernel/architecture.ts'
import { entryFunctionNames } from '../../kernel/tracing/entry-function.ts'
import { type TracedFunction, tracedFunctions } from '../../kernel/tracing/traced-functions.ts'
import type { EntryWay } from './ways.ts'

export type Traced = ReadonlyMap<string, TracedFunction>

/** The way that goes together with what is there, for those of `calls` that have something. */
export function takenEntries(calls: readonly string[]): ReadonlyMap<string, EntryWay> {
  const traced = tracedFunctions()
  if (traced === undefined || architecture !== 'x86_64') return new Map()
  return new Map(
    calls.flatMap((call) => {
      const found = foundAt(traced, entryFunctionNames(call, architecture))
      // A tracer looks like a kprobe, and then a kprobe works, too.
      return found ? [[call, found.direct ? 'modify' : 'kprobe'] as const] : []
    }),
  )
}

/**
 * Whether a program of ours at this entry undoes what another one does there, or is undone by it.
 *
 * @param before what was there before ours
 */
export function clashes(
  now: Traced,
  before: Traced,
  functions: readonly string[],
  way: EntryWay,
): boolean {
  if (architecture !== 'x86_64') return false
  const found = foundAt(now, functions)
  if (way === 'kprobe') return found?.direct ?? false
  return (found?.other ?? false) && !foundAt(before, functions)?.direct
}

function foundAt(traced: Traced, functions: readonly string[]): TracedFunction | undefined {
  const name = functions.find((each) => traced.has(each))
  return name === undefined ? undefined : traced.get(name)
}
