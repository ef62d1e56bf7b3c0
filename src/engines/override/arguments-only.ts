/** What override and hook cannot honour of a rule, since their programs see the arguments of a call alone. Pure. */
import { callShape } from '../../rules/names/shapes.ts'
import type { SyscallRule } from '../../rules/rule.ts'

export function beyondArguments(engine: string, rule: SyscallRule): string | undefined {
  if (rule.ports || rule.to || rule.protocol)
    return `${engine} sees the arguments of a call, not the other side of a socket`
  if (rule.paths && rule.paths.length > 1) return `${engine} compares a path with one path= alone`
  if (rule.paths && rule.syscalls.some((name) => callShape(name).paths.length === 0))
    return `${engine} sees the paths that a call passes, not the files of its descriptors`
  if (rule.scope === 'thread')
    return `${engine} counts in the tree and in processes, not in threads`
  return undefined
}
