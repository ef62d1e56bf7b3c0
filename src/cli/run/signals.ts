/** What tells `run` to end or to read its files again, and what it does not care about. */

export type Order = 'end' | 'reload'

const meanings = {
  SIGINT: 'end',
  SIGTERM: 'end',
  SIGQUIT: 'end',
  SIGHUP: 'reload',
  // Sent to all of a service, for programs that rotate their logs by it. Node would open its debugger at SIGUSR1.
  SIGUSR1: 'nothing',
  SIGUSR2: 'nothing',
} as const

/** Listens from the beginning on: what comes before the first question is not lost. */
export class RunSignals {
  #order: Order | undefined
  #wake: () => void = () => {}
  #end: () => void = () => {}
  /** Resolves when the order to end has come. */
  readonly ended = new Promise<void>((resolve) => {
    this.#end = resolve
  })
  readonly #listeners = Object.entries(meanings).map(
    ([signal, meaning]) =>
      [
        signal as NodeJS.Signals,
        () => {
          if (meaning !== 'nothing') this.give(meaning)
        },
      ] as const,
  )

  constructor() {
    for (const [signal, listener] of this.#listeners) process.on(signal, listener)
  }

  /** As a signal would; `end` stays, whatever comes after it. */
  give(order: Order): void {
    if (this.#order !== 'end') this.#order = order
    if (order === 'end') this.#end()
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
