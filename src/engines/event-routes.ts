/** Events of several sets of rules from one buffer: each goes to the listener of its own set. */
import { eventOffsets } from '../report/event.ts'

/** Receives each injection as the bytes of a struct event, its rule as an index into the plan. */
type Listener = (event: Buffer) => void

interface Route {
  readonly first: number
  readonly count: number
  readonly listener: Listener
}

export class EventRoutes {
  readonly #routes = new Set<Route>()

  /** Slots from `first` on, `count` of them. Returns what ends it. */
  add(first: number, count: number, listener: Listener): () => void {
    const route = { first, count, listener }
    this.#routes.add(route)
    return () => this.#routes.delete(route)
  }

  /** Events of a set that has ended go nowhere. */
  dispatch(event: Buffer): void {
    const slot = event.readUInt32LE(eventOffsets.rule)
    for (const { first, count, listener } of this.#routes) {
      if (slot < first || slot >= first + count) continue
      event.writeUInt32LE(slot - first, eventOffsets.rule)
      listener(event)
      return
    }
  }
}
