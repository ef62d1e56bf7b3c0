/** Files that the user names for our output. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { MinderbinderError } from '../errors.ts'
import { errnoText } from '../session/start-errors.ts'

/** Readable by nobody else: a log shows a program's paths and addresses. */
const mode = 0o600

/**
 * Opened before the child starts, so that what cannot be written is known in time, and that the child cannot
 * put another file in its place. An error while the child runs waits until close(): it must not end the run.
 */
export class OutputFile {
  readonly #path: string
  readonly #fd: number
  #error: unknown

  /** @throws {MinderbinderError} MB_OUTPUT */
  constructor(path: string) {
    this.#path = path
    try {
      this.#fd = openSync(path, 'w', mode)
    } catch (error) {
      throw outputError(path, error)
    }
  }

  write(text: string): void {
    if (this.#error !== undefined) return
    try {
      for (let rest = Buffer.from(text); rest.length > 0; )
        rest = rest.subarray(writeSync(this.#fd, rest))
    } catch (error) {
      this.#error = error
    }
  }

  /** @throws {MinderbinderError} MB_OUTPUT: not all of it could be written */
  close(): void {
    try {
      closeSync(this.#fd)
    } catch (error) {
      this.#error ??= error
    }
    if (this.#error !== undefined) throw outputError(this.#path, this.#error)
  }
}

function outputError(path: string, error: unknown): MinderbinderError {
  const errno = -Number((error as NodeJS.ErrnoException).errno)
  return new MinderbinderError('MB_OUTPUT', `cannot write ${path}: ${errnoText(errno)}`)
}
