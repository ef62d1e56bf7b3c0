/**
 * Which security hooks of the kernel a system call passes before it has done anything: the table of the engine hook.
 * Pure. test/kernel/guest/hook-calls.ts makes each call of it.
 *
 * The first hook that a call passes decides, so several serve a call that takes different ways: stat() of a path walks
 * it (security_inode_permission, at the first directory, before the file is looked up or created), fstat() does not.
 */
import type { SyscallRule } from '../../rules/rule.ts'

interface Row {
  readonly hooks: readonly string[]
  readonly calls: string
}

const rows: readonly Row[] = [
  {
    hooks: ['security_inode_permission'],
    calls: `
      open openat openat2 creat access faccessat faccessat2 chdir fchdir chroot rename renameat
      renameat2 mkdir mkdirat rmdir unlink unlinkat link linkat symlink symlinkat readlink mknod
      mknodat chmod fchmodat fchmodat2 chown lchown fchownat truncate utime utimes getxattr
      lgetxattr setxattr lsetxattr listxattr llistxattr removexattr lremovexattr
      inotify_add_watch execve`,
  },
  {
    hooks: ['security_inode_permission', 'security_inode_getattr'],
    calls: 'stat lstat newfstatat statx fstat',
  },
  { hooks: ['security_inode_permission', 'security_sb_statfs'], calls: 'statfs fstatfs' },
  { hooks: ['security_inode_permission', 'security_inode_readlink'], calls: 'readlinkat' },
  {
    hooks: ['security_inode_permission', 'security_inode_setattr'],
    calls: 'utimensat futimesat fchmod fchown ftruncate',
  },
  {
    hooks: ['security_file_permission'],
    calls: `
      read pread64 readv preadv preadv2 write pwrite64 writev pwritev pwritev2 getdents getdents64
      fallocate sendfile copy_file_range`,
  },
  { hooks: ['security_file_ioctl'], calls: 'ioctl' },
  { hooks: ['security_file_fcntl'], calls: 'fcntl' },
  { hooks: ['security_file_lock'], calls: 'flock' },
  { hooks: ['security_mmap_file'], calls: 'mmap' },
  { hooks: ['security_file_mprotect'], calls: 'mprotect pkey_mprotect' },
  { hooks: ['security_socket_create'], calls: 'socket' },
  { hooks: ['security_socket_bind'], calls: 'bind' },
  { hooks: ['security_socket_connect'], calls: 'connect' },
  { hooks: ['security_socket_listen'], calls: 'listen' },
  { hooks: ['security_socket_accept'], calls: 'accept accept4' },
  { hooks: ['security_socket_sendmsg'], calls: 'sendto sendmsg sendmmsg' },
  { hooks: ['security_socket_recvmsg'], calls: 'recvfrom recvmsg recvmmsg' },
  { hooks: ['security_socket_getsockname'], calls: 'getsockname' },
  { hooks: ['security_socket_getpeername'], calls: 'getpeername' },
  { hooks: ['security_socket_setsockopt'], calls: 'setsockopt' },
  { hooks: ['security_socket_getsockopt'], calls: 'getsockopt' },
  { hooks: ['security_socket_shutdown'], calls: 'shutdown' },
  { hooks: ['security_task_alloc'], calls: 'clone clone3 fork vfork' },
  { hooks: ['security_task_kill'], calls: 'kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo' },
]

/** Each once; its place is that of its program in bpf/hook.bpf.h, and of its bit in struct named_call. */
export const hookFunctions: readonly string[] = [...new Set(rows.flatMap(({ hooks }) => hooks))]

export const hooksByCall: ReadonlyMap<string, readonly string[]> = new Map(
  rows.flatMap(({ hooks, calls }) =>
    calls
      .trim()
      .split(/\s+/)
      .map((call) => [call, hooks] as const),
  ),
)

/** None: the call cannot be failed inside. */
export function hooksOf(call: string): readonly string[] {
  return hooksByCall.get(call) ?? []
}

/** As struct named_call has them. */
export function hookBits(call: string): number {
  return hooksOf(call).reduce((bits, hook) => bits | (1 << hookFunctions.indexOf(hook)), 0) >>> 0
}

/** The calls of the rule that pass no hook. */
export function unhookedCalls({ syscalls }: SyscallRule): readonly string[] {
  return syscalls.filter((call) => hooksOf(call).length === 0)
}
