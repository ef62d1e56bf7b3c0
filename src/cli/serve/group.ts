/** `--group NAME`: its id, from the system's own databases (NSS). */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { MinderbinderError } from '../../errors.ts'

/** @throws {MinderbinderError} MB_USER */
export async function lookUpGroup(name: string): Promise<number> {
  try {
    const { stdout } = await promisify(execFile)('getent', ['group', '--', name])
    // NAME:PASSWORD:GID:MEMBERS
    const id = /^[^:\n]*:[^:\n]*:(\d+):/.exec(stdout)?.[1]
    if (id !== undefined) return Number(id)
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    if (missing)
      throw new MinderbinderError('MB_USER', '--group: getent is missing, which looks it up', {
        cause: error,
      })
  }
  throw new MinderbinderError('MB_USER', `--group: there is no group '${name}'`)
}
