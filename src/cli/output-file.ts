/** Files that the user names for our output. */
import { openSync } from 'node:fs'
import { MinderbinderError } from '../errors.ts'
import { errnoText } from '../session/start-errors.ts'

/** Readable by nobody else: a log shows a program's paths and addresses. */
const mode = 0o600

/** @throws {MinderbinderError} MB_OUTPUT */
export function openOutput(path: string): number {
  try {
    return openSync(path, 'w', mode)
  } catch (error) {
    const errno = -Number((error as NodeJS.ErrnoException).errno)
    throw new MinderbinderError('MB_OUTPUT', `cannot write ${path}: ${errnoText(errno)}`)
  }
}
