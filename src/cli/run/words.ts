/** What run has to say while it runs: on standard error, and where that is behind the graphs, in them first. */
import { writeStderr } from '../standard-streams.ts'
import type { RunRules } from './plan.ts'

/** A screen that covers the terminal. */
export interface Cover {
  show(line: string): void
  /** Rules that cannot be applied, each with the reason: in view until there are others. */
  leaveOut(rules: readonly string[]): void
}

/** What is kept for the time after the cover: the beginning, which has the cause of the rest. */
const keptMost = 64 * 1024

export class RunWords {
  #cover: Cover | undefined
  #leftOut: readonly string[] = []
  #dropped = 0
  readonly #stderrIsCovered: boolean
  #later = ''

  /** @param stderrIsTerminal what is written to it under a cover would be lost */
  constructor(stderrIsTerminal: boolean) {
    this.#stderrIsCovered = stderrIsTerminal
  }

  /** @param text lines, each with its newline; the first is what a cover shows */
  say(text: string): void {
    this.#cover?.show(text.split('\n', 1)[0]!.replace(/^minderbinder: /, ''))
    if (!this.#cover || !this.#stderrIsCovered) writeStderr(text)
    else if (this.#later.length + text.length <= keptMost) this.#later += text
    else this.#dropped += 1
  }

  leaveOut(rules: readonly string[]): void {
    this.#leftOut = rules
    for (const rule of rules) this.say(`minderbinder: left out: ${rule}\n`)
    this.#cover?.leaveOut(rules)
  }

  /** What is to be known of rules before they are in force. */
  introduce({ skipped, warnings }: Pick<RunRules, 'skipped' | 'warnings'>): void {
    this.leaveOut(skipped)
    for (const line of warnings) this.say(`minderbinder: warning: ${line}\n`)
  }

  cover(cover: Cover): void {
    this.#cover = cover
    cover.leaveOut(this.#leftOut)
  }

  /** Says again what only the cover has shown. */
  uncover(): void {
    this.#cover = undefined
    writeStderr(this.#later)
    if (this.#dropped > 0) writeStderr(`minderbinder: and ${this.#dropped} more such messages\n`)
    this.#later = ''
    this.#dropped = 0
  }
}
