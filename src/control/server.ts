/** The server's end of the control socket: clients change their faults. What accepts connections passes their bytes on. */
import type { ClientListener, Supervisor } from '../launch/supervisor.ts'
import { eventOffsets } from '../report/event.ts'
import type { Rule, Slot } from '../rules/rule.ts'
import { Connection, type ConnectionContext } from './connection.ts'
import { eventLine } from './messages.ts'

type Wire = Pick<Supervisor, 'onClients' | 'sendToClient' | 'offerToClient' | 'forgetClient'>

export class ControlServer implements ClientListener {
  readonly #wire: Wire
  readonly #context: ConnectionContext
  readonly #connections = new Map<number, Connection>()
  #injecting = 0
  /** The first slot that no client has been told of. */
  #told: Slot
  /** Injections of rules from there on. */
  #early: Buffer[] = []

  /**
   * Serves from here on.
   *
   * @param own how many rules are no client's
   */
  constructor(wire: Wire, own: number, context: ConnectionContext) {
    this.#wire = wire
    this.#context = context
    this.#told = own
    wire.onClients(this)
  }

  /** How many have injected faults so far. */
  get clientCount(): number {
    return this.#injecting
  }

  opened(client: number, pid: number): void {
    let injects = false
    const onRules: ConnectionContext['onRules'] = (...added) => {
      if (!injects) this.#injecting += 1
      injects = true
      this.#added(...added)
    }
    const send = (text: string) => this.#wire.sendToClient(client, text)
    this.#connections.set(client, new Connection(client, pid, { ...this.#context, onRules }, send))
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

  /** One struct event: the client of its rule hears of it, if it asked for that. */
  injected(event: Buffer): void {
    const slot = event.readUInt32LE(eventOffsets.rule)
    if (slot >= this.#told) {
      this.#early.push(Buffer.from(event))
      return
    }
    for (const [client, connection] of this.#connections)
      if (connection.hears(slot)) this.#wire.offerToClient(client, eventLine(event))
  }

  #added(
    slots: readonly Slot[],
    rules: readonly Rule[],
    seeds: ReadonlyMap<Slot, bigint> | undefined,
  ): void {
    this.#context.onRules?.(slots, rules, seeds)
    this.#told = Math.max(this.#told, ...slots.map((slot) => slot + 1))
    const early = this.#early
    this.#early = []
    for (const event of early) this.injected(event)
  }
}
