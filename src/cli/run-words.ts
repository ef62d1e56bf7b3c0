/** What run has to say while it runs: on standard error, and where that is behind the graphs, in them first. */
import { writeStderr } from './standard-streams.ts'

/** A screen that covers the terminal. */
export interface Cover {
  show(line: string): void
}

export class RunWords {
  #cover: Cover | undefined
  readonly #stderrIsCovered: boolean
  #later = ''

  /** @param stderrIsTerminal what is written to it under a cover would be lost */
  constructor(stderrIsTerminal: boolean) {
    this.#stderrIsCovered = stderrIsTerminal
  }

  /** @param text lines, each with its newline; the first is what a cover shows */
  say(text: string): void {
    this.#cover?.show(text.split('\n', 1)[0]!.replace(/^minderbinder: /, ''))
    if (this.#cover && this.#stderrIsCovered) this.#later += text
    else writeStderr(text)
  }

  cover(cover: Cover): void {
    this.#cover = cover
  }

  /** Says again what only the cover has shown. */
  uncover(): void {
    this.#cover = undefined
    writeStderr(this.#later)
    this.#later = ''
  }
}
