/** The end of the files that the user has named. */
import { MinderbinderError } from '../errors.ts'

/** Closes all of them. @throws {MinderbinderError} MB_OUTPUT: with the errors of each that could not be written */
export function closeFiles(files: readonly ({ close(): void } | undefined)[]): void {
  const errors: MinderbinderError[] = []
  for (const file of files) {
    try {
      file?.close()
    } catch (error) {
      if (!(error instanceof MinderbinderError)) throw error
      errors.push(error)
    }
  }
  const [first, ...more] = errors
  if (first) throw new MinderbinderError(first.code, first.message, { more })
}
