/**
 * Sockets and pipes by plain reads and writes. node:net would do the same, and takes milliseconds of every start
 * to load. The price: a read that waits occupies a thread of node's pool (of four), and node does not exit
 * before it returns; the front ends this process by SIGKILL once it has said how to finish.
 */
import { read, writeSync } from 'node:fs'

const CHUNK_SIZE = 1 << 16

/** Calls onBytes with what comes, then onEnd once: at end of file, or when the other side is gone. */
export function readDescriptor(
  fd: number,
  onBytes: (bytes: Buffer) => void,
  onEnd: () => void,
): void {
  const next = () => {
    const chunk = Buffer.allocUnsafe(CHUNK_SIZE)
    read(fd, chunk, 0, CHUNK_SIZE, null, (error, length) => {
      if (error || length === 0) return onEnd()
      onBytes(chunk.subarray(0, length))
      next()
    })
  }
  next()
}

/** Blocks until all is written. A reader that is gone is no error here: reading tells. */
export function writeDescriptor(fd: number, bytes: Buffer): void {
  try {
    for (let rest = bytes; rest.length > 0; ) rest = rest.subarray(writeSync(fd, rest))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EPIPE' && code !== 'ECONNRESET') throw error
  }
}
