/** Signals that wait for a moment. */
import { errnoName } from './ffi.ts'
import { loadedLibc } from './libc.ts'

const SIG_BLOCK = 0
const SIG_SETMASK = 2
/** sizeof(sigset_t) of glibc and musl. */
const SIGSET_SIZE = 128

/** Does the work without a signal for this thread; those that come meanwhile come after it. loadLibc() must have ended. */
export function withoutSignals<T>(work: () => T): T {
  const before = Buffer.alloc(SIGSET_SIZE)
  mask(SIG_BLOCK, Buffer.alloc(SIGSET_SIZE, 0xff), before)
  try {
    return work()
  } finally {
    mask(SIG_SETMASK, before, null)
  }
}

function mask(how: number, set: Buffer, old: Buffer | null): void {
  const errno = loadedLibc().pthread_sigmask(how, set, old)
  if (errno !== 0) throw new Error(`pthread_sigmask: ${errnoName(errno)}`)
}
