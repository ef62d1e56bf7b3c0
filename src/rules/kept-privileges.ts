/** Rules by which a process believes that it has given up privileges, and has them still. Pure. */
import { callPart } from './outcomes/index.ts'
import type { Rule } from './rule.ts'

/** Calls that give up user and group ids, capabilities, or ways to get new ones. */
const drops: ReadonlySet<string> = new Set([
  ...['setuid', 'setgid', 'setreuid', 'setregid', 'setresuid', 'setresgid', 'setgroups'],
  ...['setfsuid', 'setfsgid', 'capset', 'prctl', 'seccomp', 'landlock_restrict_self', 'chroot'],
])

/** One line for each such rule. Errors need no line: programs that drop privileges check for them. */
export function keptPrivileges(rules: readonly Rule[]): string[] {
  return rules.flatMap((rule) => {
    const outcome = rule.kind === 'syscall' ? callPart(rule.outcome) : undefined
    if (rule.kind !== 'syscall' || outcome?.kind !== 'return' || outcome.value < 0n) return []
    const calls = rule.syscalls.filter((call) => drops.has(call))
    if (calls.length === 0) return []
    return [
      `${rule.label} makes ${calls.join(', ')} succeed without being run: a target that drops its privileges this way keeps them, whatever it does next`,
    ]
  })
}
