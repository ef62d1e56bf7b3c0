import { monotonicMs } from './monotonic.ts'

/** How long to wait at most. */
export class Deadline {
  readonly #end: number

  constructor(ms: number) {
    this.#end = monotonicMs() + ms
  }

  get passed(): boolean {
    return this.leftMs === 0
  }

  /** Milliseconds; 0 once it has passed. */
  get leftMs(): number {
    return Math.max(0, this.#end - monotonicMs())
  }
}
