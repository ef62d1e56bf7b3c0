/** Faults for processes wherever they are on the machine, from open() until close(). */
import type { AttachedEngine, Engine } from '../engines/engine.ts'
import { collectCounts, type EngineTotals } from '../engines/totals.ts'
import type { Rule } from '../rules/rule.ts'
import { adoptRunning } from '../targets/adopt-running.ts'
import { TargetTable } from '../targets/target-table.ts'
import { UndoStack } from '../undo.ts'
import { attachEngines } from './attach-engines.ts'

/** What such a session is to do. */
export interface MachinePlan {
  /** Each with targets. */
  readonly rules: readonly Rule[]
  readonly seed: bigint
  /** Which engine does which rules, by index. None of them is seccomp, which needs a command. */
  readonly engines: ReadonlyMap<Engine, readonly number[]>
  readonly includeLoader: boolean
  readonly includeSetuid: boolean
  /** Receives each injection as the bytes of a struct event; undefined: nobody wants them. */
  readonly onEvent: ((event: Buffer) => void) | undefined
  /** Hears what people should know while it goes on, one line each. */
  readonly onNotice: (text: string) => void
}

export class MachineSession {
  readonly table: TargetTable
  readonly #plan: MachinePlan
  readonly #engines: readonly AttachedEngine[]
  readonly #undo: UndoStack
  #totals: EngineTotals | undefined

  private constructor(
    plan: MachinePlan,
    table: TargetTable,
    engines: readonly AttachedEngine[],
    undo: UndoStack,
  ) {
    this.#plan = plan
    this.table = table
    this.#engines = engines
    this.#undo = undo
  }

  /**
   * Everything is ready for enforce(): targets are followed, and those that run already are known. Ourselves, process
   * 1 and kernel threads are none.
   *
   * @param before the session whose rules these are to replace
   * @throws {MinderbinderError} what keeps a rule from being honoured; then nothing is left
   */
  static async open(plan: MachinePlan, before?: MachineSession): Promise<MachineSession> {
    const undo = new UndoStack()
    try {
      // First, so that its programs run before those that look up what it finds out.
      const table = await TargetTable.open(plan.rules, {
        ...{ cgroup: undefined, own: process.pid, before: before?.table },
        includeSetuid: plan.includeSetuid,
      })
      undo.push(() => table.close())
      const { onNotice } = plan
      const own = { machine: true, onNotice }
      const { engines } = await attachEngines(plan, { ...own, targets: async () => table }, undo)
      for (const engine of engines) engine.start?.()
      const spared = { never: new Set([process.pid]), includeSetuid: plan.includeSetuid }
      await adoptRunning(table, plan.rules, spared, async (target) => {
        for (const engine of engines) await engine.adopt?.(target)
      })
      return new MachineSession(plan, table, engines, undo)
    } catch (error) {
      await undo.run().catch(() => {}) // what went wrong first is what the user must hear of
      throw error
    }
  }

  /** From this moment on every target is faulted; by the rules of the session before, if there is one, nobody is. */
  enforce(): void {
    this.table.enforce()
  }

  /** As of now; the last ones, once closed. */
  async totals(): Promise<EngineTotals> {
    return this.#totals ?? collectCounts(this.#plan.rules.length, this.#engines)
  }

  /** From here on nothing is faulted. Idempotent. */
  async lift(): Promise<void> {
    if (this.#totals) return
    this.table.lift()
    for (const engine of this.#engines) await engine.lift?.()
  }

  /** Lifts everything: what it did in all. Idempotent. */
  async close(): Promise<EngineTotals> {
    if (this.#totals) return this.#totals
    await this.lift()
    const totals = await this.totals()
    this.#totals = {
      ...totals,
      notes: [...totals.notes, ...(await this.table.notes({ spared: true }))],
    }
    await this.#undo.run()
    return this.#totals
  }
}
