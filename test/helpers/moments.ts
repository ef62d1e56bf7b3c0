/**
 * Moments that are random and the same in each run, as far as a machine allows: a linear congruential generator
 * (Numerical Recipes, 3rd edition, section 7.1).
 */
export class Moments {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A whole number from 0 to below `limit`. */
  next(limit: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0
    return Math.floor((this.#state / 2 ** 32) * limit)
  }
}
