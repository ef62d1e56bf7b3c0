/** What is wrong with files, all of it, to be told at once. */
import { MinderbinderError } from '../errors.ts'

/** More at once are of no help. */
const mostShown = 10

export class Problems {
  readonly #shown: MinderbinderError[] = []
  #count = 0

  /** Those beyond the shown ones are only counted, and not made: there may be one in each line. */
  add(make: () => MinderbinderError): void {
    this.#count += 1
    if (this.#shown.length < mostShown) this.#shown.push(make())
  }

  get count(): number {
    return this.#count
  }

  /** @throws {MinderbinderError} MB_CONFIG */
  throwAny(): void {
    const [first, ...others] = this.#shown
    if (!first) return
    const { message, hint, excerpt } = first
    const left = this.#count - this.#shown.length
    const rest = `and ${left} more error${left === 1 ? '' : 's'}`
    throw new MinderbinderError('MB_CONFIG', message, {
      ...(hint !== undefined && { hint }),
      ...(excerpt && { excerpt }),
      more: [...others, ...(left > 0 ? [new MinderbinderError('MB_CONFIG', rest)] : [])],
    })
  }
}
