/**
 * What the arguments of a system call are (struct call_shape in bpf/rule.h): what `path=`, `fd=` and `port=` look at, what the
 * log decodes, and what says how much the call moves. Only what the program passes counts: accept's address and getcwd's buffer are
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
  /** Of the descriptors, those of files. */
  readonly files: readonly number[]
  /** And those of sockets that may have another side. */
  readonly sockets: readonly number[]
  /** What says how many bytes it moves, if it may move fewer: absent, it moves none or all. */
  readonly length?: {
    readonly by: LengthKind
    readonly argument: number
  }
}

/** enum length_kind: a count, an array of struct iovec with its number in the next argument, a struct msghdr. */
export type LengthKind = 'count' | 'vector' | 'message'

const lengthLetters: Readonly<Record<LengthKind, string>> = {
  count: 'n',
  vector: 'v',
  message: 'm',
}

/**
 * A letter an argument, from the first: d descriptor of a file, s of a socket, e of either, o of something else; p path
 * name, a socket address, - something else; n, v or m what says how much it moves.
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
  'o--dp': 'fanotify_mark',
  d: `
    lseek flock fstat fstatfs fchdir fchmod fchown ftruncate fallocate
    fadvise64 readahead cachestat fsync fdatasync syncfs sync_file_range getdents getdents64 vmsplice
    fsetxattr fgetxattr flistxattr fremovexattr finit_module quotactl_fd`,
  e: 'close ioctl fcntl dup',
  s: 'shutdown getsockname getpeername setsockopt getsockopt recvmmsg sendmmsg',
  o: `
    accept accept4 listen
    epoll_wait epoll_pwait epoll_pwait2 inotify_rm_watch signalfd signalfd4 timerfd_settime timerfd_gettime
    mq_timedsend mq_timedreceive mq_notify mq_getsetattr
    io_uring_enter io_uring_register open_by_handle_at setns fsconfig fsmount
    landlock_add_rule landlock_restrict_self
    pidfd_send_signal pidfd_getfd process_madvise process_mrelease`,
  'e-n': 'read write',
  'd-n': 'pread64 pwrite64',
  's-n': 'recvfrom',
  ev: 'readv writev preadv2 pwritev2',
  dv: 'preadv pwritev',
  sm: 'sendmsg recvmsg',
  dd: 'tee kexec_file_load',
  ee: 'dup2 dup3',
  'ee-n': 'sendfile',
  'd-d-n': 'copy_file_range',
  'e-e-n': 'splice',
  'o-e': 'epoll_ctl',
  '---o': 'perf_event_open',
  '----d': 'mmap',
  sa: 'connect',
  oa: 'bind',
  's-n-a': 'sendto',
}

const none: CallShape = { paths: [], fds: [], sockaddrs: [], files: [], sockets: [] }

const byName: ReadonlyMap<string, CallShape> = new Map(
  Object.entries(shapes).flatMap(([letters, names]) => {
    const shape = {
      paths: positions(letters, 'p'),
      fds: positions(letters, 'dseo'),
      sockaddrs: positions(letters, 'a'),
      files: positions(letters, 'de'),
      sockets: positions(letters, 'se'),
      ...lengthOf(letters),
    }
    return names
      .trim()
      .split(/\s+/)
      .map((name): [string, CallShape] => [name, shape])
  }),
)

function positions(letters: string, wanted: string): readonly number[] {
  return [...letters].flatMap((letter, index) => (wanted.includes(letter) ? [index] : []))
}

function lengthOf(letters: string): Pick<CallShape, 'length'> {
  for (const by of ['count', 'vector', 'message'] as const) {
    const [argument] = positions(letters, lengthLetters[by])
    if (argument !== undefined) return { length: { by, argument } }
  }
  return {}
}

/** The shape of a call by name; all empty if it has neither path, descriptor nor address. */
export function callShape(name: string): CallShape {
  return byName.get(name) ?? none
}
