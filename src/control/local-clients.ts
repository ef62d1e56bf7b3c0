/** Clients of `serve`: their connections, and which process each of them is. */
import { closeSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { MinderbinderError } from '../errors.ts'
import { loadLibc } from '../kernel/libc.ts'
import type { CallerIdentity } from '../launch/change-frame.ts'
import type { ClientListener } from '../launch/supervisor.ts'
import { type ClientProcess, identityOf, peerProcess } from './client-process.ts'
import { answerLine, errorAnswer } from './messages.ts'
import { listenAt } from './socket-path.ts'
import { PATIENCE_MS, UNREAD_MAX } from './unread.ts'

/** At one time, as of `exec --control` (CLIENTS_MAX of src/launcher/shared/wire.h). */
const CLIENTS_MAX = 256

interface Client extends ClientProcess {
  readonly socket: Socket
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
    return identityOf(this.#clients.get(client))
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
    const known = await peerProcess(descriptorOf(socket))
    if (socket.destroyed || !this.#server.listening) {
      closeSync(known.pidfd)
      return endOf(socket)
    }
    this.#next += 1
    const client = this.#next
    this.#clients.set(client, { ...known, socket })
    this.#listener?.opened(client, known.pid)
    socket.on('data', (bytes) => this.#listener?.said(client, bytes))
    for (const end of ['end', 'close']) socket.on(end, () => this.#listener?.closed(client))
  }
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
