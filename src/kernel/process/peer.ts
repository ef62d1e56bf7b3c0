/** Which process is at the other end of a Unix socket (unix(7), SO_PEERCRED): the one that called connect(2). */
import { loadedLibc } from '../libc.ts'

const SOL_SOCKET = 1
const SO_PEERCRED = 17
/** sizeof(struct ucred) */
const CREDENTIALS_SIZE = 12

export interface Peer {
  readonly pid: number
  /** Its effective user id then. */
  readonly uid: number
}

/** undefined: the kernel does not say. loadLibc() must have ended. */
export function peerOf(socket: number): Peer | undefined {
  const [value, size] = [Buffer.alloc(CREDENTIALS_SIZE), Buffer.alloc(4)]
  size.writeUInt32LE(CREDENTIALS_SIZE)
  if (loadedLibc().getsockopt(socket, SOL_SOCKET, SO_PEERCRED, value, size) < 0) return undefined
  const pid = value.readInt32LE(0)
  // In a pid namespace that ours does not show, it has none.
  return pid > 0 ? { pid, uid: value.readUInt32LE(4) } : undefined
}
