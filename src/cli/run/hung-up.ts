/** Whether a terminal is still there. Apart from exec, whose start does not wait for node:tty and what that loads. */
import { isatty } from 'node:tty'

/** Looks at the standard streams now; the returned function says whether one of them was a terminal that has hung up. */
export function terminalsOfNow(): () => boolean {
  const terminals = [0, 1, 2].filter((fd) => isatty(fd))
  // Every ioctl of a terminal that hung up fails with EIO.
  return () => terminals.some((fd) => !isatty(fd))
}
