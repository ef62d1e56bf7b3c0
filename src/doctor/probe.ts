/** The launcher's probes: what node cannot try itself. Their answers are `NAME ERRNO`, 0 for success. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { Deadline } from '../kernel/deadline.ts'
import { launcherPath } from '../launch/launcher-path.ts'

/** A probe has time limits of its own, far below this one. */
const PATIENCE_MS = 15_000

/** Descriptors of a probe: what it says of itself would only puzzle the reader of the report. */
type Child = ChildProcessByStdio<Writable, Readable, null>

export class Probe {
  readonly #child: Child
  readonly #answers = new Map<string, number>()
  readonly #ended: Promise<NodeJS.Signals | null>
  #rest = ''
  #over = false
  #wake: () => void = () => {}

  /** @throws {MinderbinderError} MB_LAUNCHER */
  constructor(...args: readonly string[]) {
    this.#child = spawn(launcherPath(), args, {
      argv0: 'minderbinder-probe', // src/launcher/main.c, PROBE_NAME
      stdio: ['pipe', 'pipe', 'ignore'],
      env: {},
    })
    this.#child.stdin.on('error', () => {}) // it has ended: the wait for its answer fails
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => this.#receive(text))
    this.#ended = new Promise((resolve) => {
      const end = (signal: NodeJS.Signals | null) => {
        this.#over = true
        this.#wake()
        resolve(signal)
      }
      this.#child.on('error', () => end(null))
      this.#child.on('close', (_, signal) => end(signal))
    })
  }

  /** Everything that it has said when it has ended by itself. */
  async all(): Promise<ReadonlyMap<string, number>> {
    await this.close()
    return this.#answers
  }

  /** Sends an order and waits for the answer: its errno; undefined if none comes. Forgets earlier ones. */
  ask(order: string, name: string, ...more: readonly string[]): Promise<number | undefined> {
    for (const each of [name, ...more]) this.#answers.delete(each)
    this.#child.stdin.write(order)
    return this.answer(name)
  }

  /** What it says without being asked; undefined where it ends before it does. */
  async answer(name: string): Promise<number | undefined> {
    const deadline = new Deadline(PATIENCE_MS)
    while (!this.#answers.has(name) && !this.#over && !deadline.passed) await this.#news(deadline)
    return this.#answers.get(name)
  }

  /** Ends its input and waits for its end: the signal that killed it, or null. */
  close(): Promise<NodeJS.Signals | null> {
    this.#child.stdin.end()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE_MS)
    return this.#ended.finally(() => clearTimeout(timer))
  }

  #receive(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) {
      const [name, errno] = line.split(' ')
      if (name) this.#answers.set(name, Number(errno))
    }
    this.#wake()
  }

  #news(deadline: Deadline): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, deadline.leftMs)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
