/** The few calls of libc that Node has no door to. They return -1 and set errno. */
import { type Koffi, loadKoffi, type Memory } from './ffi.ts'
import { bootOffset } from './process/time-namespace.ts'

export interface Libc {
  readonly koffi: Koffi
  socket(domain: number, type: number, protocol: number): number
  bind(fd: number, address: Memory, size: number): number
  connect(fd: number, address: Memory, size: number): number
  getsockopt(fd: number, level: number, option: number, value: Memory, size: Memory): number
  setsockopt(fd: number, level: number, option: number, value: Memory, size: number): number
  send(fd: number, bytes: Memory, size: number, flags: number): number
  recv(fd: number, bytes: Memory, size: number, flags: number): number
  clock_gettime(clock: number, time: Memory): number
  /** Returns 0, or the errno. */
  pthread_sigmask(how: number, set: Memory, old: Memory): number
  _exit(status: number): void
  /** For calls with up to four arguments that glibc and musl have no function for. */
  syscall(number: number, a: number, b: number, c: number, d: number): number
}

const CLOCK_BOOTTIME = 7

let library: Promise<Libc> | undefined
let loaded: Libc | undefined

export function loadLibc(): Promise<Libc> {
  library ??= loadKoffi().then((koffi) => {
    // The libc that this process runs on already, by whatever name.
    const libc = koffi.load(null)
    const func = (declaration: string) => libc.func(declaration)
    loaded = {
      koffi,
      socket: func('int socket(int domain, int type, int protocol)'),
      bind: func('int bind(int fd, void *address, uint32_t size)'),
      connect: func('int connect(int fd, void *address, uint32_t size)'),
      getsockopt: func('int getsockopt(int fd, int level, int option, void *value, void *size)'),
      setsockopt: func('int setsockopt(int fd, int level, int option, void *value, uint32_t size)'),
      send: func('intptr_t send(int fd, void *bytes, size_t size, int flags)'),
      recv: func('intptr_t recv(int fd, void *bytes, size_t size, int flags)'),
      clock_gettime: func('int clock_gettime(int clock, void *time)'),
      pthread_sigmask: func('int pthread_sigmask(int how, void *set, void *old)'),
      _exit: func('void _exit(int status)'),
      syscall: func('long syscall(long number, long a, long b, long c, long d)'),
    }
    return loaded
  })
  return library
}

/** _exit(2): nothing is waited for, as process.exit() waits for node's threads. */
export async function exitAtOnce(status: number): Promise<void> {
  const { _exit } = await loadLibc()
  _exit(status)
}

/** For what is not asynchronous; loadLibc() must have ended. */
export function loadedLibc(): Libc {
  if (!loaded) throw new Error('libc is not loaded')
  return loaded
}

/**
 * Nanoseconds of the kernel's CLOCK_BOOTTIME, the clock of bpf_ktime_get_boot_ns(): process.hrtime() stops while the
 * machine sleeps. loadLibc() must have ended.
 */
export function bootTime(): bigint {
  const { clock_gettime } = loadedLibc()
  const time = Buffer.alloc(16) // struct timespec
  if (clock_gettime(CLOCK_BOOTTIME, time) !== 0) throw new Error('no CLOCK_BOOTTIME')
  return time.readBigInt64LE(0) * 1_000_000_000n + time.readBigInt64LE(8) - bootOffset()
}
