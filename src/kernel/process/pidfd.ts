/** Processes by descriptor (pidfd_open(2), pidfd_getfd(2)): what is opened can never be another process. */
import { errnoName } from '../ffi.ts'
import { loadedLibc, loadLibc } from '../libc.ts'

/** The same numbers on every architecture that has come since Linux 5.1. */
const SYS_pidfd_send_signal = 424
const SYS_pidfd_open = 434
const SYS_pidfd_getfd = 438

const EPERM = 1
const ESRCH = 3
const SIGKILL = 9

/** A descriptor, close-on-exec; -1 if there is no such process. */
export async function openPidfd(pid: number): Promise<number> {
  const { syscall } = await loadLibc()
  return syscall(SYS_pidfd_open, pid, 0, 0, 0)
}

/**
 * A duplicate of another process's descriptor, close-on-exec; -1 where it has none of that number, or we may not
 * (PTRACE_MODE_ATTACH_REALCREDS).
 */
export async function getDescriptor(pidfd: number, number: number): Promise<number> {
  const { syscall } = await loadLibc()
  return syscall(SYS_pidfd_getfd, pidfd, number, 0, 0)
}

/** While it is, or is a zombie, no other process gets its number. */
export function isAlive(pidfd: number): boolean {
  return send(pidfd, 0)
}

/** Nothing happens if it has ended. */
export function killByPidfd(pidfd: number): void {
  send(pidfd, SIGKILL)
}

/** @returns false: it has ended */
function send(pidfd: number, signal: number): boolean {
  const { koffi, syscall } = loadedLibc()
  if (syscall(SYS_pidfd_send_signal, pidfd, signal, 0, 0) === 0) return true
  const errno = koffi.errno()
  if (errno === ESRCH) return false
  // It is another user's, and we have no CAP_KILL: it is there.
  if (errno === EPERM && signal === 0) return true
  throw new Error(`pidfd_send_signal: ${errnoName(errno)}`)
}
