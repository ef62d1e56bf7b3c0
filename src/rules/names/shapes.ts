/**
 * What the arguments of a system call are (struct call_shape in bpf/rule.h): what `path=` and `fd=` look at,
 * and what the log decodes. Only what the program passes counts: accept's address and getcwd's buffer are
 * written by the kernel, and the descriptors that poll, select, sendmsg's SCM_RIGHTS and io_submit name are in
 * memory, not in arguments.
 */

export interface CallShape {
  /** Arguments (0-based) that point to a path name. */
  readonly paths: readonly number[]
  /** Arguments that are descriptors, dirfds included. */
  readonly fds: readonly number[]
  /** Arguments that point to a struct sockaddr whose length is the next argument. */
  readonly sockaddrs: readonly number[]
}

/**
 * A letter an argument, from the first: d descriptor, p path name, a socket address, - something else.
 * fsconfig's value is a path for one of its commands only, mq_open's name is none (mq_overview(7)), and the
 * numbers that close_range takes are the ends of a range: none of these count.
 */
const shapes: Readonly<Record<string, string>> = {
  p: `
    open creat truncate stat lstat access statfs readlink chdir chroot mkdir rmdir unlink mknod chmod chown
    lchown utime utimes execve uselib acct swapon swapoff umount2 setxattr lsetxattr getxattr lgetxattr
    listxattr llistxattr removexattr lremovexattr`,
  pp: 'link symlink rename mount pivot_root',
  '-p': 'quotactl',
  pdp: 'symlinkat',
  dp: `
    openat openat2 newfstatat statx faccessat faccessat2 readlinkat mkdirat mknodat unlinkat fchmodat
    fchmodat2 fchownat futimesat utimensat execveat name_to_handle_at inotify_add_watch open_tree
    open_tree_attr fspick mount_setattr setxattrat getxattrat listxattrat removexattrat file_getattr
    file_setattr`,
  dpdp: 'linkat renameat renameat2 move_mount',
  'd--dp': 'fanotify_mark',
  d: `
    read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 close lseek ioctl fcntl flock
    dup fstat fstatfs fchdir fchmod fchown ftruncate fallocate fadvise64 readahead cachestat fsync fdatasync
    syncfs sync_file_range getdents getdents64 vmsplice
    fsetxattr fgetxattr flistxattr fremovexattr
    accept accept4 listen shutdown getsockname getpeername setsockopt getsockopt
    recvfrom recvmsg recvmmsg sendmsg sendmmsg
    epoll_wait epoll_pwait epoll_pwait2 inotify_rm_watch signalfd signalfd4 timerfd_settime timerfd_gettime
    mq_timedsend mq_timedreceive mq_notify mq_getsetattr
    io_uring_enter io_uring_register open_by_handle_at finit_module setns fsconfig fsmount quotactl_fd
    landlock_add_rule landlock_restrict_self
    pidfd_send_signal pidfd_getfd process_madvise process_mrelease`,
  dd: 'dup2 dup3 sendfile tee kexec_file_load',
  'd-d': 'copy_file_range splice epoll_ctl',
  '---d': 'perf_event_open',
  '----d': 'mmap',
  da: 'connect bind',
  'd---a': 'sendto',
}

const none: CallShape = { paths: [], fds: [], sockaddrs: [] }

const byName: ReadonlyMap<string, CallShape> = new Map(
  Object.entries(shapes).flatMap(([letters, names]) => {
    const shape = {
      paths: positions(letters, 'p'),
      fds: positions(letters, 'd'),
      sockaddrs: positions(letters, 'a'),
    }
    return names
      .trim()
      .split(/\s+/)
      .map((name): [string, CallShape] => [name, shape])
  }),
)

function positions(letters: string, wanted: string): readonly number[] {
  return [...letters].flatMap((letter, index) => (letter === wanted ? [index] : []))
}

/** The shape of a call by name; all empty where it has neither path, descriptor nor address. */
export function callShape(name: string): CallShape {
  return byName.get(name) ?? none
}
