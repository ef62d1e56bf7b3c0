/** `--user NAME`: their ids, from the system's own databases (NSS), which a static launcher cannot ask. */
import { promisify } from 'node:util'
import { MinderbinderError } from '../../errors.ts'
import type { UserIds } from '../../launch/stage-frame.ts'

/** @throws {MinderbinderError} MB_NO_PERMISSION, MB_USER */
export async function lookUpUser(name: string): Promise<UserIds> {
  if (process.geteuid?.() !== 0)
    throw new MinderbinderError('MB_NO_PERMISSION', `--user ${name} needs root`, {
      hint: 'try sudo minderbinder exec --user …',
    })
  const [uid = [], gid = [], groups = []] = await Promise.all([
    ids(name, '-u'),
    ids(name, '-g'),
    ids(name, '-G'),
  ])
  return { uid: uid[0]!, gid: gid[0]!, groups }
}

/** id(1) prints the numbers; `--` keeps a name that starts with a dash from being an option. */
async function ids(name: string, option: string): Promise<number[]> {
  // Imported here: else every start would pay a millisecond for it.
  const { execFile } = await import('node:child_process')
  try {
    const { stdout } = await promisify(execFile)('/usr/bin/id', [option, '--', name])
    return stdout.trim().split(/\s+/).map(Number)
  } catch (error) {
    throw new MinderbinderError('MB_USER', `--user: there is no user '${name}'`, { cause: error })
  }
}
