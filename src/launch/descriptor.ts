/**
 * Sockets and pipes by plain reads and writes. node:net would do the same, and takes milliseconds of every start
 * to load. The price: a read that waits occupies a thread of node's pool (of four), and node does not exit
 * before it returns: so this process ends by SIGKILL (Front.finish()).
 */
import { read, writeSync } from 'node:fs'
import type { Channel } from './channel.ts'

const CHUNK_SIZE = 1 << 16
const RETRY_MS = 2

/** Calls onBytes with what comes, then onEnd once: at end of file, or when the other side is gone. */
function readDescriptor(fd: number, onBytes: (bytes: Buffer) => void, onEnd: () => void): void {
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

/** Blocks until all is written, also where the descriptor is O_NONBLOCK: that is the caller's file, and stays as it is. */
export function writeFully(fd: number, bytes: Uint8Array): void {
  for (let rest = bytes; rest.length > 0; ) {
    try {
      rest = rest.subarray(writeSync(fd, rest))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS)
    }
  }
}

/** Blocks until all is written. A reader that is gone is not an error here: the next read reports it. */
export function writeDescriptor(fd: number, bytes: Uint8Array): void {
  try {
    writeFully(fd, bytes)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EPIPE' && code !== 'ECONNRESET') throw error
  }
}

export function descriptorChannel(fd: number): Channel {
  return {
    read: (onBytes, onEnd) => readDescriptor(fd, onBytes, onEnd),
    write: (bytes) => writeDescriptor(fd, bytes),
  }
}
