/** What becomes of a system call that waits when a signal comes whose handler runs: signal(7). */

/** It goes on; SA_RESTART decides; or it fails with EINTR. */
type Signalled = 'runs' | 'restarts' | 'fails'

/** Of these signal(7) says that they are restarted with SA_RESTART. */
const restarted = `
  read readv write writev preadv preadv2 pwritev pwritev2 pread64 pwrite64 sendfile splice tee vmsplice
  open openat openat2 creat ioctl fcntl flock wait4 waitid
  accept accept4 connect recvfrom recvmsg recvmmsg sendto sendmsg sendmmsg
  futex futex_wait futex_waitv mq_timedsend mq_timedreceive getrandom`

/** And of these that they are not, whatever the handler's flags. */
const failing = `
  pause rt_sigsuspend rt_sigtimedwait epoll_wait epoll_pwait epoll_pwait2 poll ppoll select pselect6
  msgrcv msgsnd semop semtimedop clock_nanosleep nanosleep io_getevents io_pgetevents io_uring_enter`

const byName: ReadonlyMap<string, Signalled> = new Map([
  ...named(restarted, 'restarts'),
  ...named(failing, 'fails'),
])

function named(names: string, signalled: Signalled) {
  return names
    .trim()
    .split(/\s+/)
    .map((name) => [name, signalled] as const)
}

export function signalledCall(name: string): Signalled {
  return byName.get(name) ?? 'runs'
}
