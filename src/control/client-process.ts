/** Which process a client is, where no command of ours started it: by a descriptor, so that no other can take its place. */
import { closeSync } from 'node:fs'
import { MinderbinderError } from '../errors.ts'
import { loadLibc } from '../kernel/libc.ts'
import { peerOf } from '../kernel/process/peer.ts'
import { isAlive, openPidfd } from '../kernel/process/pidfd.ts'
import type { CallerIdentity } from '../launch/change-frame.ts'
import { type ProcessInfo, processInfo } from '../targets/process-info.ts'

export interface ClientProcess {
  readonly pid: number
  readonly pidfd: number
  readonly identity: CallerIdentity
}

/**
 * The process that has connected. It may have ended since, and another have its number: that is not its client unless it is
 * the same user's, who may fault it anyway.
 *
 * @param socket its descriptor
 * @throws {MinderbinderError} MB_CONTROL
 */
export async function peerProcess(socket: number): Promise<ClientProcess> {
  await loadLibc()
  const peer = peerOf(socket)
  if (!peer) throw unknown('the kernel does not say which process has connected')
  const { pid, uid } = peer
  return open(pid, (info) => {
    if (uid !== 0 && info.uid !== uid)
      throw unknown(`process ${pid} is another user's than the one that has connected`)
    return uid
  })
}

/**
 * The process that has started this one. If that has ended, another has become our parent, which has asked for nothing.
 *
 * @param input our standard input: if it is a socket, the kernel knows which process has made it
 * @throws {MinderbinderError} MB_CONTROL
 */
export async function parentProcess(input: number): Promise<ClientProcess> {
  await loadLibc()
  const pid = process.ppid
  if (pid <= 1) throw unknown('the process that has started it has ended, or is process 1')
  const maker = peerOf(input)?.pid ?? pid
  if (maker !== pid)
    throw new MinderbinderError(
      'MB_CONTROL',
      `its standard input comes from process ${maker}, but its parent is process ${pid}`,
      { hint: 'start it directly, without a shell or sudo in between' },
    )
  return open(pid, ({ uid }) => {
    // It still is our parent, and so has had its number all the time.
    if (process.ppid !== pid) throw unknown('the process that has started it has ended')
    return uid
  })
}

/** @throws {MinderbinderError} it has ended: another may have its number */
export function identityOf(known: ClientProcess | undefined): CallerIdentity {
  if (known && isAlive(known.pidfd)) return known.identity
  throw new MinderbinderError(
    'MB_CONTROL',
    `inject: the client's process, ${known?.pid}, has ended, and the connection is another one's`,
    { hint: 'connect from each process that injects faults' },
  )
}

/** @param userOf whose rights it has; throws if it is not the process that is meant */
async function open(pid: number, userOf: (info: ProcessInfo) => number): Promise<ClientProcess> {
  const pidfd = await openPidfd(pid)
  if (pidfd < 0) throw unknown(`process ${pid} has ended`)
  try {
    const info = processInfo(pid)
    // Looked at before this, so it was the one that the descriptor stands for.
    if (!info || !isAlive(pidfd)) throw unknown(`process ${pid} has ended`)
    return { pid, pidfd, identity: { uid: userOf(info), birth: info.birth } }
  } catch (error) {
    closeSync(pidfd)
    throw error
  }
}

function unknown(why: string): MinderbinderError {
  return new MinderbinderError('MB_CONTROL', why)
}
