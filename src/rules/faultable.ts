/** Which system calls can be faulted, and how: a rule that could never keep its word is refused. */

import type { Architecture } from './architecture.ts'

/**
 * Calls that a vDSO answers in user space, so that no system call is made: the symbols of vdso(7).
 * getrandom has one too (Linux 6.11), but only glibc 2.41 and later use it: suggest.ts has a hint for it.
 */
const vdso: Readonly<Record<Architecture, readonly string[]>> = {
  x86_64: ['clock_gettime', 'clock_getres', 'gettimeofday', 'time', 'getcpu'],
  arm64: ['clock_gettime', 'clock_getres', 'gettimeofday'],
}

const unfaultable: ReadonlyMap<string, string> = new Map([
  [
    'rt_sigreturn',
    'it ends every signal handler and never returns to its caller: without it the program cannot go on',
  ],
  [
    'restart_syscall',
    'the kernel makes it, to go on with a call that a signal interrupted: name that call instead',
  ],
  ['uretprobe', 'made only by the kernel’s own uprobe trampolines, past every filter'],
  ['uprobe', 'made only by the kernel’s own uprobe trampolines, past every filter'],
])

/** Why no rule can name this call; undefined if one can. */
export function notFaultable(name: string, arch: Architecture): string | undefined {
  if (vdso[arch].includes(name)) {
    return 'the vDSO answers in user space: there is no system call to fault'
  }
  return unfaultable.get(name)
}

/**
 * Why this call cannot return without being run; undefined if it can. exit and exit_group have no way to return:
 * if strace makes them fail, glibc 2.36 runs into the hlt after them (SIGSEGV) and musl 1.2.3 calls exit for ever.
 */
export function neverReturns(name: string): string | undefined {
  if (name !== 'exit' && name !== 'exit_group') return undefined
  return 'a call that ends its caller never returns, and a program that sees it return crashes or hangs; a delay or a signal can be injected'
}
