/** The terminal's second screen, taken and given back. */
import type tty from 'node:tty'
import {
  beginSynchronizedOutput,
  clearViewport,
  cursorHide,
  cursorShow,
  cursorTo,
  endSynchronizedOutput,
  enterAlternativeScreen,
  eraseEndLine,
  exitAlternativeScreen,
} from 'ansi-escapes'
import { onExit } from 'signal-exit'

/** What gives the terminal back. */
export const restore = cursorShow + exitAlternativeScreen

/**
 * Given back on close(), at the process's end, on a signal that ends it and on an uncaught error; not
 * on SIGKILL, which cannot be caught. Writes to a terminal are synchronous in node, so that none comes late.
 */
export class AlternateScreen {
  readonly #output: tty.WriteStream
  readonly #input: tty.ReadStream | undefined
  readonly #offExit: () => void
  #taken = false
  /** What was drawn last, by row. */
  #drawn: readonly string[] = []

  constructor(output: tty.WriteStream, input: tty.ReadStream | undefined) {
    this.#output = output
    this.#input = input
    // A terminal that is gone (EIO): nothing is left to see anything on.
    output.on('error', ignore)
    input?.on('error', ignore)
    this.#offExit = onExit(() => this.leave())
    // Before the error is printed: on the second screen it would be lost.
    process.on('uncaughtExceptionMonitor', this.leave)
  }

  get taken(): boolean {
    return this.#taken
  }

  take(): void {
    if (this.#taken) return
    this.#taken = true
    this.forget()
    // In raw mode ^C and ^Z are keys: their listener has a screen to give back first.
    this.#input?.setRawMode(true)
    this.#input?.resume()
    this.#output.write(enterAlternativeScreen + cursorHide + clearViewport)
  }

  /**
   * Lines from the top; each is as it was given, and nothing is left of what was there. Rows that have not changed are
   * not written: a terminal shows what comes in one read, and a whole screen does not fit into one (4,096 bytes).
   */
  draw(lines: readonly string[]): void {
    if (!this.#taken) return
    const rows = lines.map((line, row) =>
      line === this.#drawn[row] ? '' : cursorTo(0, row) + eraseEndLine + line,
    )
    this.#drawn = lines
    const text = rows.join('')
    if (text !== '') this.#output.write(beginSynchronizedOutput + text + endSynchronizedOutput)
  }

  /** Something else may be on the screen than what was drawn: next time every row is written. */
  forget(): void {
    this.#drawn = []
  }

  /** Idempotent; take() is possible again. */
  readonly leave = (): void => {
    if (!this.#taken) return
    this.#taken = false
    this.#output.write(restore)
    this.#input?.setRawMode(false)
    this.#input?.pause()
  }

  /** For good. */
  close(): void {
    this.leave()
    this.#offExit()
    process.off('uncaughtExceptionMonitor', this.leave)
  }
}

function ignore(): void {}
