/** What tells `run` to end or to read its files again. */

export type Order = 'end' | 'reload'

const meanings = { SIGINT: 'end', SIGTERM: 'end', SIGHUP: 'reload' } as const

/** Listens from the beginning on: what comes before somebody asks is not lost. */
export class RunSignals {
  #order: Order | undefined
  #wake: () => void = () => {}
  readonly #listeners = Object.entries(meanings).map(
    ([signal, order]) => [signal as NodeJS.Signals, () => this.give(order)] as const,
  )

  constructor() {
    for (const [signal, listener] of this.#listeners) process.on(signal, listener)
  }

  /** As a signal would; `end` stays, whatever comes after it. */
  give(order: Order): void {
    if (this.#order !== 'end') this.#order = order
    this.#wake()
  }

  /** The next one: several of a kind that came meanwhile are one. */
  async next(): Promise<Order> {
    while (this.#order === undefined)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    const order = this.#order
    if (order !== 'end') this.#order = undefined
    return order
  }

  close(): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener)
  }
}
