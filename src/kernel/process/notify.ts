/** sd_notify(3): tells the service manager that started us how far we are. */
import { closeSync } from 'node:fs'
import { loadLibc } from '../libc.ts'

const AF_UNIX = 1
const SOCK_DGRAM = 2
const SOCK_CLOEXEC = 0o2000000

/** Does nothing if no service manager asks, or if it does not listen. */
export async function notifyManager(state: string): Promise<void> {
  const path = process.env.NOTIFY_SOCKET
  if (!path || !/^[/@]./.test(path)) return
  const { socket, connect, send } = await loadLibc()
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)
  if (fd < 0) return
  try {
    // An abstract address begins with a NUL, which is written as an @.
    const name = Buffer.from(path.replace(/^@/, '\0'))
    const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), name])
    if (connect(fd, address, address.length) < 0) return
    send(fd, Buffer.from(state), Buffer.byteLength(state), 0)
  } finally {
    closeSync(fd)
  }
}
