/** The kernel's own function for a system call, by the call's name. */
import type { Architecture } from '../../rules/architecture.ts'

/** Calls whose function is not called like them (arch/x86/entry/syscalls/syscall_64.tbl, asm-generic/unistd.h). */
const otherNames: Readonly<Record<Architecture, Readonly<Record<string, string>>>> = {
  x86_64: {
    stat: 'newstat',
    fstat: 'newfstat',
    lstat: 'newlstat',
    sendfile: 'sendfile64',
    umount2: 'umount',
    uname: 'newuname',
  },
  arm64: {
    fadvise64: 'fadvise64_64',
    fstat: 'newfstat',
    personality: 'arm64_personality',
    sendfile: 'sendfile64',
    umount2: 'umount',
    uname: 'newuname',
  },
}

const prefixes: Readonly<Record<Architecture, string>> = {
  x86_64: '__x64_sys_',
  arm64: '__arm64_sys_',
}

/** `__x64_sys_openat` for openat: what 64-bit programs enter by; 32-bit ones come in elsewhere. */
function entryFunction(name: string, arch: Architecture): string {
  return prefixes[arch] + (otherNames[arch][name] ?? name)
}

/**
 * What the kernel's lists and BTF may call it. Of a call without arguments, `__x64_sys_getppid` is an alias for
 * `__do_sys_getppid` (SYSCALL_DEFINE0 in asm/syscall_wrapper.h), and they have the latter name only.
 */
export function entryFunctionNames(name: string, arch: Architecture): readonly string[] {
  return [entryFunction(name, arch), `__do_sys_${otherNames[arch][name] ?? name}`]
}
