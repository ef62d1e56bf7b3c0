/** Text for the terminal or the pipe that the user gave us. */
import { fstatSync } from 'node:fs'
import { writeFully } from '../launch/descriptor.ts'

export function writeStdout(text: string): void {
  writeTo(1, text)
}

export function writeStderr(text: string): void {
  writeTo(2, text)
}

/**
 * Blocks until all is written. A reader that has seen enough (`| head`), a closed descriptor, or a terminal that has
 * hung up is not an error.
 */
export function writeTo(fd: number, text: string): void {
  try {
    writeFully(fd, Buffer.from(text))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const nobodyReads = code === 'EPIPE' || code === 'EBADF'
    if (!nobodyReads && !(code === 'EIO' && fstatSync(fd).isCharacterDevice())) throw error
  }
}
