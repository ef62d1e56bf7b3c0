/**
 * System calls that programs can hand to an io_uring as requests. No rule for system calls hits those:
 * test/kernel/guest/io-uring.ts makes each of them in both ways.
 */
export const ringRequests: ReadonlySet<string> = new Set(
  `openat openat2 close statx mkdirat symlinkat linkat renameat renameat2 unlinkat getxattr setxattr
  read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2
  fsync fdatasync sync_file_range fallocate ftruncate
  socket bind listen accept accept4 connect sendto sendmsg recvfrom recvmsg shutdown`.split(/\s+/),
)
