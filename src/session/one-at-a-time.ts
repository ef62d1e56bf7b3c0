/** Work that must not overlap: each piece begins when the one before has ended, however it ended. */
export class OneAtATime {
  #last: Promise<unknown> = Promise.resolve()

  next<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => {})
    return done
  }
}
