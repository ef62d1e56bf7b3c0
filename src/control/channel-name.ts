/**
 * A name for the sockets of `serve --stdio`. The calls of a client on its channel are never faulted, and what does the faults
 * knows that channel by the name of the socket at its other end (bpf/control.bpf.h, src/launcher/supervisor/clients.c).
 */
import { fstatSync, unlinkSync } from 'node:fs'
import { loadLibc } from '../kernel/libc.ts'
import { makeSocketFolder, removeSocketFolder } from '../session/socket-folder.ts'

const AF_UNIX = 1

/**
 * Names those of our standard streams that are Unix sockets, which libuv makes for a child. The sockets keep the name when the
 * file is gone.
 *
 * @returns the name; undefined: there is none, for they are pipes, or have one already
 * @throws {MinderbinderError} MB_CONTROL
 */
export async function nameChannel(): Promise<string | undefined> {
  const sockets = [0, 1].filter((fd) => fstatSync(fd).isSocket())
  if (sockets.length === 0) return undefined
  const { bind } = await loadLibc()
  const { path, socket } = makeSocketFolder(process.pid, false)
  try {
    const address = addressOf(socket)
    const named = sockets.filter((fd) => {
      if (bind(fd, address, address.length) !== 0) return false
      unlinkSync(socket) // the next one gets the same
      return true
    })
    return named.length > 0 ? socket : undefined
  } finally {
    removeSocketFolder(path)
  }
}

/** struct sockaddr_un, as far as it is used (unix(7)) */
function addressOf(path: string): Buffer {
  const family = Buffer.alloc(2)
  family.writeUInt16LE(AF_UNIX)
  return Buffer.concat([family, Buffer.from(`${path}\0`)])
}
