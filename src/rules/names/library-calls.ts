/**
 * Which system calls the C library and common programs make, where the name of the function that people know
 * is not the name of the call. Seen with strace on x86_64: glibc 2.36, musl 1.2.3, coreutils 9.1, Linux 6.18.
 * Another release may differ: these are hints in messages, nothing rests on them.
 */

/** Subject and verb, the calls, and the purpose if that helps: `the C library's syslog() calls`, `sendto`, `to …`. */
type Instead = readonly [who: string, calls: string, purpose?: string]

/** Functions that are no system calls, and the calls that they make: `a b` is a and b, `a|b` is a or b. */
const functions: Readonly<Record<string, string>> = {
  'fopen freopen fopen64 open64 openat64 opendir mkstemp mkostemp tmpfile dlopen shm_open sem_open':
    'openat',
  'fclose closedir': 'close',
  'fread fgets fgetc getc getchar getline getdelim scanf fscanf gets': 'read',
  'printf fprintf vprintf vfprintf dprintf puts fputs fputc putc putchar perror fwrite fflush':
    'write',
  pread: 'pread64',
  pwrite: 'pwrite64',
  'fseek fseeko ftell rewind lseek64 llseek _llseek': 'lseek',
  'stat64 lstat64 fstatat fstatat64': 'newfstatat|statx',
  fstat64: 'fstat|newfstatat',
  'statvfs statvfs64 statfs64': 'statfs',
  'fstatvfs fstatfs64': 'fstatfs',
  'readdir readdir64 scandir': 'getdents64',
  'ftw nftw fts_read glob': 'openat getdents64 newfstatat',
  'eaccess euidaccess': 'faccessat2|newfstatat',
  realpath: 'readlink',
  remove: 'unlink|rmdir',
  'shm_unlink sem_unlink': 'unlink',
  mkfifo: 'mknodat',
  mkdtemp: 'mkdir',
  'futimes futimens lutimes': 'utimensat',
  umount: 'umount2',
  lockf: 'fcntl',
  fcntl64: 'fcntl',
  truncate64: 'truncate',
  ftruncate64: 'ftruncate',
  'posix_fallocate fallocate64': 'fallocate',
  'posix_fadvise fadvise': 'fadvise64',
  posix_madvise: 'madvise',
  sendfile64: 'sendfile',
  'isatty tcgetattr tcsetattr ttyname': 'ioctl',
  'malloc calloc realloc': 'brk|mmap',
  free: 'munmap|madvise',
  'mmap64 mmap2': 'mmap',
  'posix_spawn posix_spawnp': 'clone3|clone execve',
  'system popen': 'clone3|clone execve wait4',
  'pclose wait waitpid wait3': 'wait4',
  'execl execle execlp execv execvp execvpe exec': 'execve',
  fexecve: 'execveat|execve',
  pthread_create: 'clone3|clone',
  pthread_exit: 'exit',
  '_exit _Exit': 'exit_group',
  'pthread_join pthread_mutex_lock pthread_cond_wait pthread_cond_signal sem_wait sem_post':
    'futex',
  'raise abort pthread_kill': 'tgkill|tkill',
  'sigaction signal': 'rt_sigaction',
  'sigprocmask pthread_sigmask': 'rt_sigprocmask',
  sigsuspend: 'rt_sigsuspend',
  sigpending: 'rt_sigpending',
  sigqueue: 'rt_sigqueueinfo',
  'sigwait sigwaitinfo sigtimedwait': 'rt_sigtimedwait',
  'sleep usleep': 'clock_nanosleep|nanosleep',
  ualarm: 'setitimer',
  send: 'sendto',
  recv: 'recvfrom',
  'getaddrinfo gethostbyname getnameinfo': 'socket connect sendto|sendmmsg recvfrom poll',
  'gethostname gethostid': 'uname',
  'sysconf getrlimit64 setrlimit64 prlimit': 'prlimit64',
  'arc4random getentropy': 'getrandom',
  nice: 'setpriority',
  mq_send: 'mq_timedsend',
  mq_receive: 'mq_timedreceive',
  adjtime: 'clock_adjtime|adjtimex',
  ntp_adjtime: 'clock_adjtime|adjtimex',
  klogctl: 'syslog',
  pselect: 'pselect6',
  io_uring_submit: 'io_uring_enter',
}

/** Calls of x86_64 that newer architectures never had, and what the C library makes there in their place. */
const generic: Readonly<Record<string, string>> = {
  'open creat': 'openat',
  'stat lstat': 'newfstatat',
  access: 'faccessat',
  pipe: 'pipe2',
  select: 'pselect6',
  'poll pause': 'ppoll',
  dup2: 'dup3',
  'fork vfork': 'clone',
  rename: 'renameat',
  mkdir: 'mkdirat',
  'rmdir unlink': 'unlinkat',
  link: 'linkat',
  symlink: 'symlinkat',
  readlink: 'readlinkat',
  chmod: 'fchmodat',
  'chown lchown': 'fchownat',
  mknod: 'mknodat',
  'utime utimes futimesat': 'utimensat',
  alarm: 'setitimer',
  getdents: 'getdents64',
  getpgrp: 'getpgid',
  epoll_create: 'epoll_create1',
  epoll_wait: 'epoll_pwait',
  inotify_init: 'inotify_init1',
  signalfd: 'signalfd4',
  eventfd: 'eventfd2',
  ustat: 'statfs',
}

/** Calls that a program may do without, and what is made in their place: `WHO CALLS`. */
const instead: Readonly<Record<string, Instead>> = {
  open: ["glibc's open() calls", 'openat'],
  openat: ["musl's open() calls", 'open'],
  creat: ['most programs call', 'openat'],
  stat: ["glibc's stat() calls", 'newfstatat statx'],
  lstat: ["glibc's lstat() calls", 'newfstatat statx'],
  fstat: ["glibc's fstat() calls", 'newfstatat'],
  newfstatat: ['some programs call', 'statx stat fstat'],
  statx: ["glibc's stat() calls", 'newfstatat'],
  access: ['some programs call', 'faccessat faccessat2'],
  faccessat: ['newer C libraries call', 'faccessat2'],
  faccessat2: ["glibc's access() calls", 'access'],
  fork: ["glibc's fork() calls", 'clone'],
  vfork: ["glibc's posix_spawn() calls", 'clone3 clone'],
  clone: ["glibc's pthread_create() and posix_spawn() call", 'clone3'],
  clone3: ["glibc's fork() calls", 'clone'],
  execveat: ["the C library's exec functions call", 'execve'],
  wait4: ['some programs call', 'waitid'],
  waitid: ["the C library's wait() and waitpid() call", 'wait4'],
  exit: ["a program's end calls", 'exit_group'],
  kill: ['raise() and abort() call', 'tgkill'],
  tkill: ["glibc's raise() and abort() call", 'tgkill'],
  read: ['some programs call', 'pread64 readv recvfrom copy_file_range mmap'],
  readv: ['most programs call', 'read'],
  pread64: ['most programs call', 'read'],
  write: ['some programs call', 'writev pwrite64 sendto copy_file_range'],
  writev: ["glibc's printf() and fwrite() call", 'write'],
  pwrite64: ['most programs call', 'write'],
  sendfile: ['some programs call', 'copy_file_range splice write'],
  copy_file_range: ['some programs call', 'sendfile splice write'],
  sendto: ['some programs call', 'sendmsg sendmmsg write'],
  sendmsg: ['some programs call', 'sendto write'],
  recvfrom: ['some programs call', 'recvmsg read'],
  recvmsg: ['some programs call', 'recvfrom read'],
  accept: ['many servers call', 'accept4'],
  accept4: ["the C library's accept() calls", 'accept'],
  select: ["glibc's select() calls", 'pselect6'],
  pselect6: ['many programs call', 'poll epoll_wait'],
  poll: ['many programs call', 'ppoll pselect6 epoll_wait'],
  ppoll: ['many programs call', 'poll epoll_wait'],
  epoll_wait: ['node, Go and musl call', 'epoll_pwait'],
  epoll_pwait: ["glibc's epoll_wait() calls", 'epoll_wait'],
  epoll_create: ['most programs call', 'epoll_create1'],
  pipe: ["glibc's pipe() calls", 'pipe2'],
  pipe2: ["musl's pipe() calls", 'pipe'],
  dup2: ['some programs call', 'dup3 fcntl'],
  dup: ['many programs call', 'dup2 fcntl'],
  rename: ['mv calls', 'renameat2'],
  renameat: ['mv calls', 'renameat2'],
  renameat2: ["the C library's rename() calls", 'rename'],
  unlink: ['rm calls', 'unlinkat'],
  unlinkat: ["the C library's unlink() calls", 'unlink'],
  rmdir: ['rm -r calls', 'unlinkat'],
  mkdir: ['some programs call', 'mkdirat'],
  mkdirat: ["the C library's mkdir() calls", 'mkdir'],
  link: ['ln calls', 'linkat'],
  symlink: ['ln -s calls', 'symlinkat'],
  readlink: ['some programs call', 'readlinkat'],
  readlinkat: ["the C library's readlink() calls", 'readlink'],
  chmod: ['the chmod command calls', 'fchmodat'],
  fchmodat: ["the C library's chmod() calls", 'chmod'],
  chown: ['the chown command calls', 'fchownat'],
  lchown: ['the chown command calls', 'fchownat'],
  mknod: ["glibc's mknod() and mkfifo() call", 'mknodat'],
  utime: ["the C library's utime() calls", 'utimensat'],
  utimes: ["the C library's utimes() calls", 'utimensat'],
  futimesat: ['most programs call', 'utimensat'],
  getdents: ["the C library's readdir() calls", 'getdents64'],
  truncate: ['most programs call', 'ftruncate openat'],
  flock: ['many programs call', 'fcntl', 'to lock files'],
  fsync: ['some programs call', 'fdatasync'],
  fdatasync: ['some programs call', 'fsync'],
  nanosleep: ["glibc's nanosleep() and sleep() call", 'clock_nanosleep'],
  clock_nanosleep: ["musl's sleep() calls", 'nanosleep'],
  alarm: ["musl's alarm() calls", 'setitimer'],
  getrlimit: ["the C library's getrlimit() calls", 'prlimit64'],
  setrlimit: ["the C library's setrlimit() calls", 'prlimit64'],
  signalfd: ["the C library's signalfd() calls", 'signalfd4'],
  eventfd: ["the C library's eventfd() calls", 'eventfd2'],
  inotify_init: ['most programs call', 'inotify_init1'],
  semop: ["glibc's semop() calls", 'semtimedop'],
  brk: ['malloc() of much memory calls', 'mmap'],
  mmap: ['malloc() of little memory calls', 'brk'],
  syslog: ["the C library's syslog() calls", 'sendto', 'to write to /dev/log'],
}

/** Calls that a program may do without: it makes none in their place. */
export const silent: ReadonlyMap<string, string> = new Map([
  ['getrandom', 'with glibc 2.41 on Linux 6.11 and later the vDSO answers it in user space'],
  ['futex', 'a lock that is free is taken without a system call'],
])

/**
 * Calls whose work programs with an io_uring hand to it: those on data that a server or a database makes by the
 * million. (The ring can open, rename and remove files as well, io_uring_enter(2), but few programs let it.)
 */
export const throughRing: ReadonlySet<string> = new Set(
  `read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 fsync fdatasync sync_file_range
  accept accept4 connect sendto sendmsg recvfrom recvmsg`.split(/\s+/),
)

/** What to say of them. */
export const ringGoesPast = 'system call faults never hit what a program does through io_uring'

export const callsOfFunction: ReadonlyMap<string, readonly string[]> = expand(functions)

export const genericCallFor: ReadonlyMap<string, readonly string[]> = expand(generic)

export const callsInstead: ReadonlyMap<string, Instead> = new Map(Object.entries(instead))

function expand(table: Readonly<Record<string, string>>): ReadonlyMap<string, readonly string[]> {
  return new Map(
    Object.entries(table).flatMap(([names, calls]) =>
      names.split(' ').map((name): [string, readonly string[]] => [name, calls.split(' ')]),
    ),
  )
}
