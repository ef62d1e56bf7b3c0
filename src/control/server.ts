/** `exec --control`: programs of the command change its faults. The supervisor passes their bytes on. */
import type { ClientListener, Supervisor } from '../launch/supervisor.ts'
import { Connection, type ConnectionContext } from './connection.ts'

type Wire = Pick<Supervisor, 'onClients' | 'sendToClient' | 'forgetClient'>

export class ControlServer implements ClientListener {
  readonly #wire: Wire
  readonly #context: ConnectionContext
  readonly #connections = new Map<number, Connection>()
  #count = 0

  /** Serves from here on. */
  constructor(wire: Wire, context: ConnectionContext) {
    this.#wire = wire
    this.#context = context
    wire.onClients(this)
  }

  /** How many have connected so far. */
  get clientCount(): number {
    return this.#count
  }

  opened(client: number, pid: number): void {
    this.#count += 1
    const send = (text: string) => this.#wire.sendToClient(client, text)
    this.#connections.set(client, new Connection(client, pid, this.#context, send))
  }

  said(client: number, bytes: Buffer): void {
    const connection = this.#connections.get(client)
    if (connection && !connection.push(bytes)) this.closed(client)
  }

  /** Its rules go, however it ended; then it is forgotten. */
  closed(client: number): void {
    const connection = this.#connections.get(client)
    // We have closed it ourselves meanwhile.
    if (!connection) return
    this.#connections.delete(client)
    void connection.end().then(() => this.#wire.forgetClient(client))
  }
}
