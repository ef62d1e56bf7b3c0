/** Which calls of a rule cannot be met here, of those that the user has to know about. Pure. */
import type { SyscallRule } from '../../rules/rule.ts'

/**
 * Of those that the user named. Members of a family may be missing: a call that this kernel does not have fails anyway
 * (ENOSYS).
 */
export function unmetCalls(
  { set, syscalls }: SyscallRule,
  isMet: (call: string) => boolean,
): string[] {
  const named = set.split('+')
  const members = syscalls.filter((name) => !isMet(name))
  // A family without any call left counts as named.
  return members.length === syscalls.length ? members : members.filter((n) => named.includes(n))
}
