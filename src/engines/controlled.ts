/** Which engine does the system call faults that a command gets while it runs. Pure. */
import type { EngineOption } from './choose.ts'
import type { Engine } from './engine.ts'

/**
 * One for all of them: a filter has one action for a call, and cannot change. If the user names none, the first of
 * `engines` by which each fault is in force as soon as its client hears so, and which does not leave this command.
 *
 * @param command its program, as the user wrote it
 * @returns `since`: why not by an engine before it
 */
export function controlledEngine(
  option: EngineOption,
  engines: readonly Engine[],
  command: string | undefined,
): { readonly name: EngineOption; readonly since?: string } {
  if (option !== 'auto') return { name: option }
  const able = engines.filter(({ addedRules }) => addedRules === 'unless another is named')
  const reasons = able.map((engine) => engine.leaves?.(command))
  const first = reasons.indexOf(undefined)
  const name = able[first]!.name as EngineOption
  return first === 0 ? { name } : { name, since: reasons[0]! }
}
