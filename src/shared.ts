/** What several users share: the last one to leave closes it. */
export class Shared<T> {
  readonly value: T
  readonly #close: (value: T) => Promise<void> | void
  #users = 1

  constructor(value: T, close: (value: T) => Promise<void> | void) {
    this.value = value
    this.#close = close
  }

  /** For one more user, which has to leave, too. */
  join(): this {
    this.#users += 1
    return this
  }

  async leave(): Promise<void> {
    this.#users -= 1
    if (this.#users === 0) await this.#close(this.value)
  }
}
