/**
 * The members of each family, over all architectures, by number on x86_64. Those of strace's classes are what
 * strace 6.1 takes them to be (test/system/families.test.ts asks it), and for the calls of Linux 6.5 and later
 * what their kin are.
 */

export interface Definition {
  /** Without the %: `%%stat` is `%stat` here. */
  readonly name: string
  readonly description: string
  /** Names with white space between them; every call where left out. */
  readonly calls?: string
}

const network = `
      sendfile socket connect accept sendto recvfrom sendmsg recvmsg shutdown bind listen
      getsockname getpeername socketpair setsockopt getsockopt accept4 recvmmsg sendmmsg`

/** Move bytes between two descriptors, or memory and a pipe: cp and cat write with copy_file_range alone. */
const transfers = 'sendfile splice tee vmsplice copy_file_range'

/** strace's. */
export const classes: readonly Definition[] = [
  {
    name: 'file',
    description: 'take a path name',
    calls: `
      open stat lstat access execve truncate getcwd chdir rename mkdir rmdir creat link unlink
      symlink readlink chmod chown lchown utime mknod uselib statfs pivot_root chroot acct mount
      umount2 swapon swapoff quotactl setxattr lsetxattr getxattr lgetxattr listxattr llistxattr
      removexattr lremovexattr utimes inotify_add_watch openat mkdirat mknodat fchownat
      futimesat newfstatat unlinkat renameat linkat symlinkat readlinkat fchmodat faccessat
      utimensat fanotify_mark name_to_handle_at renameat2 execveat statx open_tree move_mount
      fsconfig fspick openat2 faccessat2 mount_setattr fchmodat2 setxattrat getxattrat
      listxattrat removexattrat open_tree_attr file_getattr file_setattr`,
  },
  {
    name: 'process',
    description: 'create, replace, wait for, signal or end processes',
    calls: `
      clone fork vfork execve exit wait4 kill rt_sigqueueinfo tkill exit_group tgkill waitid
      rt_tgsigqueueinfo execveat pidfd_send_signal clone3`,
  },
  { name: 'network', description: 'work on sockets (sendfile too)', calls: network },
  { name: 'net', description: 'the same as %network', calls: network },
  {
    name: 'signal',
    description: 'send, wait for and handle signals',
    calls: `
      rt_sigaction rt_sigprocmask rt_sigreturn pause kill rt_sigpending rt_sigtimedwait
      rt_sigqueueinfo rt_sigsuspend sigaltstack tkill tgkill signalfd signalfd4
      rt_tgsigqueueinfo pidfd_send_signal io_uring_enter`,
  },
  {
    name: 'ipc',
    description: 'work on System V message queues, semaphores and shared memory',
    calls: `
      shmget shmat shmctl semget semop semctl shmdt msgget msgsnd msgrcv msgctl semtimedop`,
  },
  {
    name: 'desc',
    description: 'take or return a file descriptor',
    calls: `
      read write open close fstat poll lseek mmap ioctl pread64 pwrite64 readv writev pipe
      select dup dup2 sendfile fcntl flock fsync fdatasync ftruncate getdents fchdir creat
      fchmod fchown fstatfs readahead fsetxattr fgetxattr flistxattr fremovexattr epoll_create
      getdents64 fadvise64 epoll_wait epoll_ctl mq_open mq_timedsend mq_timedreceive mq_notify
      mq_getsetattr inotify_init inotify_add_watch inotify_rm_watch openat mkdirat mknodat
      fchownat futimesat newfstatat unlinkat renameat linkat symlinkat readlinkat fchmodat
      faccessat pselect6 ppoll splice tee sync_file_range vmsplice utimensat epoll_pwait
      signalfd timerfd_create eventfd fallocate timerfd_settime timerfd_gettime signalfd4
      eventfd2 epoll_create1 dup3 pipe2 inotify_init1 preadv pwritev perf_event_open
      fanotify_init fanotify_mark name_to_handle_at open_by_handle_at syncfs setns finit_module
      renameat2 memfd_create kexec_file_load bpf execveat userfaultfd copy_file_range preadv2
      pwritev2 statx pidfd_send_signal io_uring_setup io_uring_enter io_uring_register open_tree
      move_mount fsopen fsconfig fsmount fspick pidfd_open openat2 pidfd_getfd faccessat2
      process_madvise epoll_pwait2 mount_setattr quotactl_fd landlock_create_ruleset
      landlock_add_rule landlock_restrict_self memfd_secret process_mrelease cachestat fchmodat2
      setxattrat getxattrat listxattrat removexattrat open_tree_attr file_getattr file_setattr`,
  },
  {
    name: 'memory',
    description: 'change the memory mappings and their policy',
    calls: `
      mmap mprotect munmap brk mremap msync mincore madvise shmat shmdt mlock munlock mlockall
      munlockall io_setup io_destroy remap_file_pages mbind set_mempolicy get_mempolicy
      migrate_pages move_pages mlock2 pkey_mprotect io_uring_register set_mempolicy_home_node
      map_shadow_stack mseal`,
  },
  {
    name: 'creds',
    description: 'read and set user and group identities, and capabilities',
    calls: `
      getuid getgid setuid setgid geteuid getegid setreuid setregid getgroups setgroups
      setresuid getresuid setresgid getresgid setfsuid setfsgid capget capset prctl`,
  },
  {
    name: 'stat',
    description: 'stat alone; %%stat: every kind of stat',
    calls: 'stat',
  },
  {
    name: 'lstat',
    description: 'lstat alone',
    calls: 'lstat',
  },
  {
    name: 'fstat',
    description: "fstat, and what glibc's stat() and fstat() make in its place",
    calls: 'fstat newfstatat statx',
  },
  {
    name: 'statfs',
    description: 'statfs alone; %%statfs: every kind of statfs',
    calls: 'statfs',
  },
  {
    name: 'fstatfs',
    description: 'fstatfs alone',
    calls: 'fstatfs',
  },
  {
    name: 'clock',
    description: 'read and set the system clocks',
    calls: `
      gettimeofday adjtimex settimeofday time clock_settime clock_gettime clock_getres
      clock_adjtime`,
  },
  {
    name: 'pure',
    description: 'take no arguments and normally never fail',
    calls: `
      getpid getuid getgid geteuid getegid getppid getpgrp gettid`,
  },
  {
    name: '%stat',
    description: 'every kind of stat',
    calls: 'stat fstat lstat newfstatat statx',
  },
  {
    name: '%statfs',
    description: 'every kind of statfs',
    calls: 'statfs fstatfs ustat',
  },
]

const own: readonly Definition[] = [
  {
    name: 'open',
    description: 'open or create a file by its name',
    calls: 'open creat openat openat2',
  },
  {
    name: 'read',
    description: 'read data from a descriptor; calls for sockets alone are in %net',
    calls: `read pread64 readv preadv preadv2 ${transfers}`,
  },
  {
    name: 'write',
    description: 'write data to a descriptor; calls for sockets alone are in %net',
    calls: `write pwrite64 writev pwritev pwritev2 ${transfers}`,
  },
  {
    name: 'sync',
    description: 'flush written data to the disk',
    calls: 'fsync fdatasync sync syncfs sync_file_range msync',
  },
  {
    name: 'rename',
    description: 'rename a file',
    calls: 'rename renameat renameat2',
  },
  {
    name: 'unlink',
    description: 'remove files and directories',
    calls: 'unlink unlinkat rmdir',
  },
  {
    name: 'link',
    description: 'create hard and symbolic links',
    calls: 'link linkat symlink symlinkat',
  },
  {
    name: 'mkdir',
    description: 'create directories',
    calls: 'mkdir mkdirat',
  },
  {
    name: 'chmod',
    description: 'change the mode of a file',
    calls: 'chmod fchmod fchmodat fchmodat2',
  },
  {
    name: 'chown',
    description: 'change the owner of a file',
    calls: 'chown lchown fchown fchownat',
  },
  {
    name: 'truncate',
    description: 'change the size of a file',
    calls: 'truncate ftruncate',
  },
  {
    name: 'access',
    description: 'check permissions',
    calls: 'access faccessat faccessat2',
  },
  {
    name: 'xattr',
    description: 'read and change extended attributes',
    calls: `
      setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr
      removexattr lremovexattr fremovexattr setxattrat getxattrat listxattrat removexattrat`,
  },
  {
    name: 'fork',
    description: 'start processes and threads',
    calls: 'clone fork vfork clone3',
  },
  {
    name: 'exec',
    description: 'start another program in the same process',
    calls: 'execve execveat',
  },
  {
    name: 'dup',
    description: 'copy a descriptor; fcntl can, too',
    calls: 'dup dup2 dup3',
  },
  {
    name: 'poll',
    description: 'wait for descriptors',
    calls: 'poll select pselect6 ppoll epoll_wait epoll_pwait epoll_pwait2',
  },
  {
    name: 'sleep',
    description: 'sleep for some time',
    calls: 'nanosleep clock_nanosleep',
  },
  {
    name: 'accept',
    description: 'accept a connection',
    calls: 'accept accept4',
  },
  {
    name: 'send',
    description: 'send data on a socket; so can the calls of %write',
    calls: 'sendto sendmsg sendmmsg',
  },
  {
    name: 'recv',
    description: 'receive data from a socket; so can the calls of %read',
    calls: 'recvfrom recvmsg recvmmsg',
  },
]

export const definitions: readonly Definition[] = [...own, ...classes]
