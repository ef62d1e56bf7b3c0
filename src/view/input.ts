/** What a screen shows, and the room it has. */
import type { History } from './history.ts'
import type { Charset } from './text.ts'

export interface Size {
  readonly columns: number
  readonly rows: number
}

export interface ScreenInput {
  readonly title: string
  readonly seed: string
  readonly history: History
  readonly size: Size
  readonly charset: Charset
  /** The first rule shown, if not all fit. */
  readonly scroll: number
  /** Whose the keys are: the view's own, or the command's that runs beside it. */
  readonly keys: 'own' | 'command'
  /** Rules that cannot be applied here, each with the reason. */
  readonly leftOut: readonly string[]
  /** What was said last; empty: nothing. */
  readonly words: string
}
