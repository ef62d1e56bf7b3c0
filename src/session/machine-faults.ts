/** One set of rules for processes wherever they are on the machine, from open() until close(). */
import { engineNames } from '../engines/choose.ts'
import type { AttachedEngine } from '../engines/engine.ts'
import { collectCounts } from '../engines/totals.ts'
import { Observation } from '../observe/observation.ts'
import type { Wanted } from '../observe/observer.ts'
import { targetsOfTable } from '../observe/targets-now.ts'
import type { Activity } from '../report/activity.ts'
import { adoptRunning } from '../targets/adopt-running.ts'
import { TargetTable } from '../targets/target-table.ts'
import { UndoStack } from '../undo.ts'
import { attachEngines } from './attach-engines.ts'
import type { Plan } from './plan.ts'
import type { SessionSnapshot } from './session.ts'

/** Each rule has targets. No engine is seccomp, which needs a command. */
export interface MachineFaultsPlan extends Plan {
  /** Hears what people should know while it goes on, one line each. */
  readonly onNotice: (text: string) => void
  readonly watched: Wanted
}

export class MachineFaults {
  readonly plan: Plan
  readonly #table: TargetTable
  readonly #engines: readonly AttachedEngine[]
  readonly #observation: Observation
  readonly #undo: UndoStack
  #closed: Promise<SessionSnapshot> | undefined

  private constructor(
    plan: Plan,
    parts: {
      readonly table: TargetTable
      readonly engines: readonly AttachedEngine[]
      readonly observation: Observation
    },
    undo: UndoStack,
  ) {
    this.plan = plan
    this.#table = parts.table
    this.#engines = parts.engines
    this.#observation = parts.observation
    this.#undo = undo
  }

  /**
   * Everything is ready for enforce(): targets are followed, and those that run already are known. Ourselves, process
   * 1 and kernel threads are none.
   *
   * @param before those that these are to replace
   * @throws {MinderbinderError} what keeps a rule from being honoured; then nothing is left
   */
  static async open(given: MachineFaultsPlan, before?: MachineFaults): Promise<MachineFaults> {
    const undo = new UndoStack()
    try {
      const { rules, seed, includeSetuid, onNotice } = given
      const observation = new Observation(given.watched)
      const plan = { ...given, onEvent: observation.listener(given.onEvent) }
      // First, so that its programs run before those that look up what it finds out.
      const table = await TargetTable.open(rules, {
        cgroup: undefined,
        own: process.pid,
        before: before ? before.#table : undefined,
        includeSetuid,
      })
      undo.push(() => table.close())
      const own = { machine: true, onNotice, targets: async () => table }
      const { engines, names } = await attachEngines(plan, own, undo)
      for (const engine of engines) engine.start?.()
      const spared = { never: new Set([process.pid]), includeSetuid }
      await adoptRunning(table, rules, spared, async (target) => {
        for (const engine of engines) await engine.adopt?.(target)
      })
      undo.push(() => observation.close())
      await observation.open({
        rules,
        seed,
        engines: names,
        totals: () => collectCounts(rules.length, engines),
        targets: () => targetsOfTable(table, rules),
        counted: { targets: table.map },
      })
      return new MachineFaults(plan, { table, engines, observation }, undo)
    } catch (error) {
      await undo.run().catch(() => {}) // what went wrong first is what the user must hear of
      throw error
    }
  }

  /** From this moment on every target is faulted, and those of the rules before no longer are. */
  enforce(): void {
    this.#table.enforce()
  }

  sample(): Promise<Activity> {
    return this.#observation.sample()
  }

  /** As of now; what was last, once closed. */
  snapshot(): Promise<SessionSnapshot> {
    return this.#closed ?? this.#now()
  }

  /** From here on nothing is faulted. Idempotent. */
  async lift(): Promise<void> {
    if (this.#closed) return
    await this.#lift()
  }

  /** Lifts everything: what it did in all. Idempotent. */
  close(): Promise<SessionSnapshot> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #lift(): Promise<void> {
    this.#table.lift()
    for (const engine of this.#engines) await engine.lift?.()
  }

  async #now(): Promise<SessionSnapshot> {
    const { rules, engines } = this.plan
    const totals = await collectCounts(rules.length, this.#engines)
    return { ...totals, rules, engines: engineNames(engines) }
  }

  async #close(): Promise<SessionSnapshot> {
    let last: SessionSnapshot
    try {
      await this.#lift()
      const now = await this.#now()
      last = { ...now, notes: [...now.notes, ...(await this.#table.notes({ spared: true }))] }
    } catch (error) {
      await this.#undo.run().catch(() => {})
      throw error
    }
    await this.#undo.run()
    return last
  }
}
