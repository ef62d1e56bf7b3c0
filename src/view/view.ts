/** The live view: graphs of what is injected, on the terminal's second screen. */
import { emitKeypressEvents, type Key } from 'node:readline'
import type tty from 'node:tty'
import type { Activity } from '../report/activity.ts'
import { AlternateScreen, restore } from './alternate-screen.ts'
import { charsetOf, colourOf } from './charset.ts'
import { History } from './history.ts'
import { painter } from './line.ts'
import { screen } from './screen.ts'

export interface View {
  /** Draws what there is now. */
  update(activity: Activity): void
  /** Shows a line of words, until the next one. */
  say(line: string): void
  /** Shows which rules cannot be applied, each with the reason. */
  leaveOut(rules: readonly string[]): void
  /** Gives the terminal back until resume(): the process is about to stop, or another has the terminal. */
  suspend(): void
  resume(): void
  /** Gives the terminal back. Idempotent. */
  close(): void
  /** What close() writes last, for another process to write should this one be killed. */
  readonly restore: string
}

export interface ViewOptions {
  /** What runs. */
  readonly title: string
  readonly seed: string
  readonly output: tty.WriteStream
  /** Where keys come from; undefined: from nowhere. */
  readonly input: tty.ReadStream | undefined
  /** Nothing is drawn before resume(). */
  readonly suspended?: boolean
  /** Others write to this terminal, too: they are drawn over each time. */
  readonly shared?: boolean
  /** q or ^C was pressed, or the terminal is gone. The view stays until close(). */
  onQuit(): void
}

const PAGE = 10
/** Every so many samples all is redrawn, whatever else has written to the terminal (the kernel, wall(1)). */
const REPAINT = 10

export async function openView(options: ViewOptions): Promise<View> {
  return new TerminalView(options)
}

class TerminalView implements View {
  readonly restore = restore
  readonly #options: ViewOptions
  readonly #screen: AlternateScreen
  readonly #history = new History()
  readonly #charset = charsetOf(process.env)
  readonly #paint = painter(colourOf(process.env))
  #updates = 0
  #scroll = 0
  #rulesShown = 0
  #closed = false
  #words = ''
  #leftOut: readonly string[] = []

  constructor(options: ViewOptions) {
    const { output, input } = options
    this.#options = options
    this.#screen = new AlternateScreen(output, input)
    if (input) {
      emitKeypressEvents(input)
      input.on('keypress', this.#onKey)
      input.on('end', options.onQuit)
      input.on('error', options.onQuit)
    }
    process.on('SIGWINCH', this.#onResize)
    process.on('SIGCONT', this.#onContinue)
    process.on('SIGTSTP', this.#stop)
    if (!options.suspended) this.resume()
  }

  update(activity: Activity): void {
    this.#history.add(activity)
    this.#updates += 1
    if (this.#options.shared || this.#updates % REPAINT === 0) this.#screen.forget()
    this.#draw()
  }

  say(line: string): void {
    this.#words = line
    this.#draw()
  }

  leaveOut(rules: readonly string[]): void {
    this.#leftOut = rules
    this.#draw()
  }

  suspend(): void {
    this.#screen.leave()
  }

  resume(): void {
    if (this.#closed || this.#screen.taken) return
    this.#screen.take()
    this.#onResize()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    process.off('SIGWINCH', this.#onResize)
    process.off('SIGCONT', this.#onContinue)
    process.off('SIGTSTP', this.#stop)
    const { input, onQuit } = this.#options
    input?.off('keypress', this.#onKey)
    input?.off('end', onQuit)
    input?.off('error', onQuit)
    this.#screen.close()
  }

  #draw(): void {
    if (!this.#screen.taken) return
    const { title, seed, output, input } = this.#options
    const { lines, rulesShown } = screen({
      title,
      seed,
      history: this.#history,
      size: { columns: output.columns || 80, rows: output.rows || 24 },
      charset: this.#charset,
      scroll: this.#scroll,
      keys: input === undefined ? 'command' : 'own',
      leftOut: this.#leftOut,
      words: this.#words,
    })
    this.#rulesShown = rulesShown
    this.#screen.draw(lines.map(this.#paint))
  }

  #hidden(): number {
    return (this.#history.activity?.rules.length ?? 0) - this.#rulesShown
  }

  readonly #onKey = (_text: string | undefined, key: Key): void => {
    const by = steps[key.name ?? '']
    if (key.ctrl && key.name === 'z') this.#stop()
    else if ((key.ctrl && key.name === 'c') || key.name === 'q') this.#options.onQuit()
    else if (key.ctrl && key.name === 'l') this.#onResize()
    else if (by !== undefined) this.#scrollBy(by)
  }

  #scrollBy(rules: number): void {
    this.#scroll = Math.max(0, Math.min(this.#scroll + rules, this.#hidden()))
    this.#draw()
  }

  readonly #onResize = (): void => {
    refreshSize(this.#options.output)
    this.#screen.forget()
    this.#draw()
  }

  /** The shell may have changed the terminal while we were stopped, by a signal that cannot be caught too. */
  readonly #onContinue = (): void => {
    if (!this.#screen.taken) return
    this.#screen.leave()
    this.resume()
  }

  /** ^Z: as a program without a view, but that the terminal is given back first. */
  readonly #stop = (): void => {
    this.suspend()
    process.off('SIGTSTP', this.#stop)
    process.kill(0, 'SIGTSTP') // returns when we are continued
    process.on('SIGTSTP', this.#stop)
    this.resume()
  }
}

const steps: Readonly<Record<string, number>> = {
  up: -1,
  k: -1,
  down: 1,
  j: 1,
  pageup: -PAGE,
  pagedown: PAGE,
  home: Number.NEGATIVE_INFINITY,
  end: Number.POSITIVE_INFINITY,
}

/**
 * On SIGWINCH node asks again how large the terminal is, but of process.stdout and process.stderr only; other
 * streams have the same method (lib/tty.js, node 20 to 24), and no public one.
 */
function refreshSize(output: tty.WriteStream): void {
  const { _refreshSize } = output as { _refreshSize?: () => void }
  _refreshSize?.call(output)
}
