/** What people should know while run goes on, on stderr; kept until the end where graphs have the terminal. */
import { oneLine } from '../report/printable.ts'
import { writeStderr } from './standard-streams.ts'

export class Notices {
  #held: string[] | undefined

  /** Until release(). */
  hold(): void {
    this.#held ??= []
  }

  say(text: string): void {
    this.write(`minderbinder: ${oneLine(text)}\n`)
  }

  /** @param text whole lines */
  write(text: string): void {
    if (this.#held) this.#held.push(text)
    else writeStderr(text)
  }

  /** The terminal is free again. Idempotent. */
  release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const text of held) writeStderr(text)
  }
}
