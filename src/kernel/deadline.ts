/** How long to wait at most, by a clock that cannot be set: Date.now() jumps when the machine's time does. */
export class Deadline {
  readonly #end: number

  constructor(ms: number) {
    this.#end = performance.now() + ms
  }

  get passed(): boolean {
    return this.leftMs === 0
  }

  /** Milliseconds; 0 once it has passed. */
  get leftMs(): number {
    return Math.max(0, this.#end - performance.now())
  }
}
