/** A change of several engines' rules: either all of them take it, or none. */
import type { Committed, PreparedChange } from '../engines/engine.ts'
import type { TargetEntry } from '../targets/target.ts'
import { UndoStack } from '../undo.ts'

export class PreparedChanges {
  readonly #all: readonly PreparedChange[]
  /** What gives up those that are not committed. */
  readonly #undo: UndoStack
  #committed = false

  private constructor(all: readonly PreparedChange[], undo: UndoStack) {
    this.#all = all
    this.#undo = undo
  }

  /** One after the other. @throws {MinderbinderError} of the first that refuses: then everything is as it was */
  static async of(prepares: readonly (() => Promise<PreparedChange>)[]): Promise<PreparedChanges> {
    const undo = new UndoStack()
    const all: PreparedChange[] = []
    try {
      for (const prepare of prepares) {
        const prepared = await prepare()
        undo.push(() => prepared.abandon())
        all.push(prepared)
      }
      return new PreparedChanges(all, undo)
    } catch (error) {
      await undo.run().catch(() => {}) // what went wrong first is what the user must hear of
      throw error
    }
  }

  /** @throws {MinderbinderError} end() has to follow */
  async adopt(target: TargetEntry): Promise<void> {
    for (const prepared of this.#all) await prepared.adopt?.(target)
  }

  /** Commits on all of them at once; returns what each has left. Never rejects. */
  commit(): Promise<readonly Committed[]> {
    this.#committed = true
    return Promise.all(this.#all.map((prepared) => prepared.commit()))
  }

  /** Abandons all, unless they are committed. */
  async end(): Promise<void> {
    if (!this.#committed) await this.#undo.run()
  }
}

/** What went wrong on the first engine where something did; undefined: nothing. */
export function failureOf(committed: readonly Committed[]): unknown {
  return committed.find(({ failure }) => failure !== undefined)?.failure
}
