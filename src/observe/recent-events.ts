/** The last few events as bytes: they may come faster than words can be read. */
import { EVENT_SIZE } from '../report/event.ts'

export class RecentEvents {
  readonly #bytes: Buffer
  readonly #most: number
  #count = 0

  constructor(most: number) {
    this.#most = most
    this.#bytes = Buffer.alloc(most * EVENT_SIZE)
  }

  /** Copies the event. */
  add(event: Buffer): void {
    event.copy(this.#bytes, (this.#count % this.#most) * EVENT_SIZE)
    this.#count += 1
  }

  /** The newest last; valid until the next add(). */
  list(): Buffer[] {
    const kept = Math.min(this.#count, this.#most)
    return Array.from({ length: kept }, (_, at) => {
      const place = (this.#count - kept + at) % this.#most
      return this.#bytes.subarray(place * EVENT_SIZE, (place + 1) * EVENT_SIZE)
    })
  }
}
