/** The path of the socket of `serve`: one server at a time, and none of its files is left. */
import { chmodSync, chownSync, lstatSync, unlinkSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { dirname } from 'node:path'
import { MinderbinderError } from '../errors.ts'
import { errnoCode } from '../kernel/errno-code.ts'

/** struct sockaddr_un has 108 bytes for a path and its NUL (unix(7)). */
const PATH_MAX = 107

/**
 * Listens at a path, which a server that was killed may have left. Closing the server removes it.
 *
 * @param group id of the group that may connect, too; undefined: only this process's user, and root
 * @throws {MinderbinderError} MB_CONTROL
 */
export async function listenAt(
  server: Server,
  path: string,
  group: number | undefined,
): Promise<void> {
  const size = Buffer.byteLength(path)
  if (size > PATH_MAX)
    throw cannot(path, `the path has ${size} bytes, and a socket's can have ${PATH_MAX}`)
  // To node, a folder that is missing is one that it may not write to.
  if (!fileAt(dirname(path))) throw cannot(path, 'its directory does not exist')
  await clear(path)
  // From its first moment on, no other user can connect.
  const mask = process.umask(0o177)
  const listening = new Promise<void>((resolve, reject) => {
    server.once('listening', resolve)
    server.once('error', reject)
  })
  try {
    server.listen({ path, backlog: 256 })
  } finally {
    process.umask(mask)
  }
  try {
    await listening
    if (group === undefined) return
    chownSync(path, -1, group)
    chmodSync(path, 0o660)
  } catch (error) {
    server.close()
    throw cannot(path, whyNot(error))
  }
}

/** Removes what a server left that was killed. @throws {MinderbinderError} something else is there */
async function clear(path: string): Promise<void> {
  const before = fileAt(path)
  if (!before) return
  if (!before.isSocket()) throw cannot(path, 'a file is there that is not a socket')
  const why = await connection(path)
  if (why === undefined)
    throw cannot(path, 'another server listens there', 'stop it, or choose another --socket PATH')
  if (why !== 'ECONNREFUSED' && why !== 'ENOENT') throw cannot(path, `connect: ${why}`)
  // Another server may have taken its place meanwhile.
  const now = fileAt(path)
  if (now?.ino !== before.ino || now.dev !== before.dev) return
  try {
    unlinkSync(path)
  } catch (error) {
    if (errnoCode(error) !== 'ENOENT') throw cannot(path, whyNot(error))
  }
}

function fileAt(path: string) {
  try {
    return lstatSync(path)
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return undefined
    throw cannot(path, whyNot(error))
  }
}

/** undefined: a server answers; else the errno. A server that does not accept for now (EAGAIN) is one, too. */
function connection(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.on('connect', () => {
      socket.destroy()
      resolve(undefined)
    })
    socket.on('error', (error) => {
      const code = errnoCode(error)
      resolve(code === 'EAGAIN' ? undefined : code)
    })
  })
}

function whyNot(error: unknown): string {
  return errnoCode(error) || String(error)
}

function cannot(path: string, why: string, hint?: string): MinderbinderError {
  return new MinderbinderError(
    'MB_CONTROL',
    `cannot listen at ${path}: ${why}`,
    hint === undefined ? {} : { hint },
  )
}
