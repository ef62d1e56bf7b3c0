/** The private directory of the socket of --control. */
import { chmodSync, lstatSync, mkdtempSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { MinderbinderError } from '../errors.ts'
import { errnoCode } from '../kernel/errno-code.ts'
import { identityFrom, identityText, processIdentity, stateOf } from '../kernel/process/identity.ts'

/** Not TMPDIR: node has none of the caller's (src/launcher/front/environment.c), and the path of a socket is short. */
const ABOVE = '/tmp'
/** minderbinder-control-PIDNS-TIMENS-PID-STARTTIME-RANDOM */
const ourName = /^minderbinder-control-(\d+)-(\d+)-(\d+)-(\d+)-\w+$/
const SOCKET = 'socket'

export interface SocketFolder {
  readonly path: string
  /** Not there yet: the supervisor makes it. */
  readonly socket: string
}

/**
 * Named after `owner`: while that process lives, it stays. It is ours even if the socket is another user's: so only
 * we decide what is in it when we remove that.
 *
 * @param forAnother another user's programs pass through it
 * @throws {MinderbinderError} MB_CONTROL
 */
export function makeSocketFolder(owner: number, forAnother: boolean): SocketFolder {
  const identity = processIdentity(owner)
  if (!identity) throw new MinderbinderError('MB_LAUNCHER', 'its launcher process died')
  try {
    sweep()
    const path = mkdtempSync(join(ABOVE, `minderbinder-control-${identityText(identity, '-')}-`))
    if (forAnother) chmodSync(path, 0o711)
    return { path, socket: join(path, SOCKET) }
  } catch (error) {
    throw new MinderbinderError(
      'MB_CONTROL',
      `cannot make a directory for the control socket in ${ABOVE}: ${errnoCode(error)}`,
      { hint: `--control needs a ${ABOVE} that can be written to`, cause: error },
    )
  }
}

/** Does nothing if the supervisor has done it. */
export function removeSocketFolder(path: string): void {
  for (const remove of [() => unlinkSync(join(path, SOCKET)), () => rmdirSync(path)])
    try {
      remove()
    } catch (error) {
      if (errnoCode(error) !== 'ENOENT') throw error
    }
}

/** What is left if node, the supervisor and the front were killed at once. */
function sweep(): void {
  for (const name of readdirSync(ABOVE)) {
    const [match, ...parts] = ourName.exec(name) ?? []
    const identity = match === undefined ? undefined : identityFrom(parts)
    const path = join(ABOVE, name)
    if (identity && stateOf(identity) === 'dead' && isOurs(path)) removeSocketFolder(path)
  }
}

/** Leaves another user's alone: that user could have put anything in there. */
function isOurs(path: string): boolean {
  try {
    const found = lstatSync(path)
    return found.isDirectory() && found.uid === process.geteuid?.()
  } catch {
    return false
  }
}
