/** System calls that fail with EBADF on descriptor -1, whatever else they are given; no other program calls them. */
export const names = [
  ...['fsync', 'fdatasync', 'fchdir', 'ftruncate', 'dup', 'fstatfs', 'listen', 'shutdown'],
  ...['getsockname', 'getpeername', 'lseek', 'getdents64', 'fchmod', 'fchown', 'readahead'],
  ...['syncfs', 'fallocate', 'fadvise64', 'sendfile', 'vmsplice', 'inotify_rm_watch'],
  ...['timerfd_gettime', 'accept', 'bind', 'flistxattr', 'setns', 'preadv', 'pread64'],
  ...['pwrite64', 'readv', 'getsockopt', 'sendmsg', 'recvmsg'],
] as const
