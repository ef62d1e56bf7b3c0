/** The file of `--log`: lines up to its limit, and a last one that counts those that were left out. */
import { droppedLine } from '../report/log.ts'
import { sizeText } from './log-limit.ts'
import type { OutputFile } from './output-file.ts'

/** Bytes kept free for the last line. */
const lastLine = 128

export class LogFile {
  readonly #file: OutputFile
  readonly #limit: number
  #room: number
  #full = false
  #dropped = 0
  #pending = ''
  #flushing = false

  /** @param limit bytes, at least 1024 */
  constructor(file: OutputFile, limit: number) {
    this.#file = file
    this.#limit = limit
    this.#room = limit - lastLine
  }

  /** Nothing more is written: say drop() for each line that need not even be made. */
  get full(): boolean {
    return this.#full
  }

  /** Lines of one burst are written at once, and before anything else happens. */
  add(line: string): void {
    const size = Buffer.byteLength(line) + 1
    // Once a line does not fit, no shorter one follows it: what is there is whole up to its end.
    if (this.#full || size > this.#room) {
      this.drop()
      return
    }
    this.#room -= size
    this.#pending += `${line}\n`
    if (this.#flushing) return
    this.#flushing = true
    setImmediate(() => this.#flush())
  }

  drop(): void {
    this.#full = true
    this.#dropped += 1
  }

  /** What a reader of the summary must know. */
  notes(): string[] {
    if (this.#dropped === 0) return []
    const lost = this.#dropped === 1 ? '1 injection is' : `${this.#dropped} injections are`
    const limit = `--log-limit ${sizeText(this.#limit)}`
    return [`${lost} missing from the log, which reached ${limit}; the counts above are complete`]
  }

  /** @throws {MinderbinderError} MB_OUTPUT: not all of it could be written */
  close(): void {
    if (this.#dropped > 0)
      this.#pending += `${droppedLine(BigInt(Date.now()) * 1_000_000n, this.#dropped, this.#limit)}\n`
    this.#flush()
    this.#file.close()
  }

  #flush(): void {
    this.#flushing = false
    this.#file.write(this.#pending)
    this.#pending = ''
  }
}
