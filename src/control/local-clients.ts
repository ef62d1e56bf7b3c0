/** Clients of `serve`: their connections, and which process each of them is. */
import { closeSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { MinderbinderError } from '../errors.ts'
import { loadLibc } from '../kernel/libc.ts'
import { peerOf } from '../kernel/process/peer.ts'
import { isAlive, openPidfd } from '../kernel/process/pidfd.ts'
import type { CallerIdentity } from '../launch/change-frame.ts'
import type { ClientListener } from '../launch/supervisor.ts'
import { processInfo } from '../targets/process-info.ts'
import { answerLine, errorAnswer } from './messages.ts'
import { listenAt } from './socket-path.ts'

/** At one time, as of `exec --control` (CLIENTS_MAX of src/launcher/shared/wire.h). */
const CLIENTS_MAX = 256
/** Bytes of answers that a client has not read. */
const UNREAD_MAX = 4 << 20
/** For the last answers: a client that reads them no more does not keep its connection. */
const PATIENCE_MS = 2_000

interface Client {
  readonly socket: Socket
  readonly pid: number
  readonly pidfd: number
  readonly identity: CallerIdentity
}

export class LocalClients {
  readonly #server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket))
  readonly #clients = new Map<number, Client>()
  /** Those that are not known yet are among them. */
  readonly #sockets = new Set<Socket>()
  #listener: ClientListener | undefined
  #next = 0
  #onLeft: () => void = () => {}

  /** @throws {MinderbinderError} MB_CONTROL */
  static async listen(path: string, group: number | undefined): Promise<LocalClients> {
    await loadLibc() // the peer is looked up at once
    const clients = new LocalClients()
    await listenAt(clients.#server, path, group)
    return clients
  }

  onClients(listener: ClientListener): void {
    this.#listener = listener
  }

  /** Called each time that the last client has gone, its rules too. */
  onLeft(listener: () => void): void {
    this.#onLeft = listener
  }

  sendToClient(client: number, text: string): void {
    const socket = this.#clients.get(client)?.socket
    if (!socket || socket.destroyed) return
    socket.write(text)
    if (socket.writableLength > UNREAD_MAX) socket.destroy()
  }

  /** As sendToClient(), but a client that has something to read yet goes without. */
  offerToClient(client: number, text: string): void {
    if (this.#clients.get(client)?.socket.writableLength === 0) this.sendToClient(client, text)
  }

  forgetClient(client: number): void {
    const known = this.#clients.get(client)
    if (!known) return
    this.#clients.delete(client)
    closeSync(known.pidfd)
    endOf(known.socket)
    if (this.#clients.size === 0) this.#onLeft()
  }

  /** @throws {MinderbinderError} its process has ended: another may have its number */
  identify(client: number): CallerIdentity {
    const known = this.#clients.get(client)
    if (known && isAlive(known.pidfd)) return known.identity
    throw new MinderbinderError(
      'MB_CONTROL',
      `inject: the client's process, ${known?.pid}, has ended, and the connection is another one's`,
      { hint: 'connect from each process that injects faults' },
    )
  }

  /** Accepts no other client; those that there are are gone, and what they asked for is lifted, when it resolves. */
  async close(): Promise<void> {
    this.#server.close()
    if (this.#clients.size > 0) {
      const left = new Promise<void>((resolve) => this.onLeft(resolve))
      for (const client of [...this.#clients.keys()]) this.#listener?.closed(client)
      await left
    }
    for (const socket of this.#sockets) endOf(socket)
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {}) // 'close' follows
    socket.on('close', () => this.#sockets.delete(socket))
    this.#open(socket).catch((error) => {
      socket.write(answerLine(null, errorAnswer(error)))
      endOf(socket)
    })
  }

  async #open(socket: Socket): Promise<void> {
    if (this.#sockets.size > CLIENTS_MAX)
      throw new MinderbinderError(
        'MB_CONTROL',
        `${CLIENTS_MAX} clients are connected, which is the limit`,
      )
    const { pid, pidfd, identity } = await identified(socket)
    if (socket.destroyed || !this.#server.listening) {
      closeSync(pidfd)
      return endOf(socket)
    }
    this.#next += 1
    const client = this.#next
    this.#clients.set(client, { socket, pid, pidfd, identity })
    this.#listener?.opened(client, pid)
    socket.on('data', (bytes) => this.#listener?.said(client, bytes))
    for (const end of ['end', 'close']) socket.on(end, () => this.#listener?.closed(client))
  }
}

/**
 * The process that has connected. It may have ended since, and another have its number: that is not its client unless it is
 * the same user's, who may fault it anyway.
 *
 * @throws {MinderbinderError} MB_CONTROL
 */
async function identified(socket: Socket): Promise<Omit<Client, 'socket'>> {
  const peer = peerOf(descriptorOf(socket))
  if (!peer) throw unknownPeer('the kernel does not say which process has connected')
  const { pid, uid } = peer
  const pidfd = await openPidfd(pid)
  if (pidfd < 0) throw unknownPeer(`process ${pid} has ended`)
  try {
    const info = processInfo(pid)
    // Looked at before this, so it was the one that the descriptor stands for.
    if (!info || !isAlive(pidfd)) throw unknownPeer(`process ${pid} has ended`)
    if (uid !== 0 && info.uid !== uid)
      throw unknownPeer(`process ${pid} is another user's than the one that has connected`)
    return { pid, pidfd, identity: { uid, birth: info.birth } }
  } catch (error) {
    closeSync(pidfd)
    throw error
  }
}

function unknownPeer(why: string): MinderbinderError {
  return new MinderbinderError('MB_CONTROL', why)
}

/** Node has no other way to it. -1: it is closed. */
function descriptorOf(socket: Socket): number {
  const { _handle } = socket as unknown as { _handle: { fd: number } | null }
  return _handle?.fd ?? -1
}

/** After what it has been sent. */
function endOf(socket: Socket): void {
  if (socket.destroyed) return
  const timer = setTimeout(() => socket.destroy(), PATIENCE_MS)
  socket.on('close', () => clearTimeout(timer))
  socket.end(() => socket.destroy())
  socket.resume() // what it still sends is not read, and an end is seen
}
