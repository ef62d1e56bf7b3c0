/** Which engine does the system call faults of a command that gets them while it runs. */
import type { EngineOption } from './choose.ts'
import { ptrace } from './supervised/ptrace.ts'

/**
 * One for all of them: a filter has one action for a call, and cannot change. The exact one first.
 *
 * @param command its program, as the user wrote it
 */
export function controlledEngine(
  option: EngineOption,
  command: string | undefined,
): 'ptrace' | 'seccomp' {
  if (option === 'ptrace' || option === 'seccomp') return option
  return ptrace.leaves?.(command) === undefined ? 'ptrace' : 'seccomp'
}
