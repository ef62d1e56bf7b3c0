/** Processes by descriptor (pidfd_open(2), pidfd_getfd(2)): what is opened can never be another process. */
import { loadLibc } from './libc.ts'

/** The same numbers on every architecture that has come since Linux 5.1. */
const SYS_pidfd_open = 434
const SYS_pidfd_getfd = 438

/** A descriptor, close-on-exec; -1 where there is no such process. */
export async function openPidfd(pid: number): Promise<number> {
  const { syscall } = await loadLibc()
  return syscall(SYS_pidfd_open, pid, 0, 0)
}

/**
 * A duplicate of another process's descriptor, close-on-exec; -1 where it has none of that number, or we may not
 * (PTRACE_MODE_ATTACH_REALCREDS).
 */
export async function getDescriptor(pidfd: number, number: number): Promise<number> {
  const { syscall } = await loadLibc()
  return syscall(SYS_pidfd_getfd, pidfd, number, 0)
}
