/** One set of rules for processes wherever they are on the machine, from prepare() until end(). */
import { engineNames } from '../engines/choose.ts'
import type {
  AttachedEngine,
  Engine,
  EngineContext,
  EngineSnapshot,
  PreparedChange,
} from '../engines/engine.ts'
import { begun } from '../engines/in-turns.ts'
import { collectCounts, totalsOf } from '../engines/totals.ts'
import { Observation } from '../observe/observation.ts'
import type { Wanted } from '../observe/observer.ts'
import { targetsOfSet } from '../observe/targets-now.ts'
import type { Activity } from '../report/activity.ts'
import type { Rule } from '../rules/rule.ts'
import { Shared } from '../shared.ts'
import { adoptRunning } from '../targets/adopt-running.ts'
import type { TargetEntry } from '../targets/target.ts'
import type { TargetSet } from '../targets/target-set.ts'
import { TargetTable } from '../targets/target-table.ts'
import { UndoStack } from '../undo.ts'
import { contextOf } from './attach-engines.ts'
import type { Plan } from './plan.ts'
import { failureOf, PreparedChanges } from './prepared-changes.ts'
import type { SessionSnapshot } from './session.ts'

/** Each rule has targets. No engine is seccomp, which needs a command. */
export interface MachinePlan extends Plan {
  /** Receives what people should know while the session lasts, one line each. */
  readonly onNotice: (text: string) => void
  readonly watched: Wanted
}

type AttachedByEngine = ReadonlyMap<Engine, AttachedEngine>

/** What a set of rules has open. */
interface Parts {
  readonly table: Shared<TargetTable>
  readonly set: TargetSet
  /** Those that do its rules: they go on to do the rules that follow, if they have any. */
  readonly engines: AttachedByEngine
  readonly observation: Observation
}

/** What the rules before have done. */
export interface Replaced {
  /** Missing if it cannot be known any more. */
  readonly before?: SessionSnapshot | undefined
  readonly failure?: unknown
}

export class MachineRules {
  readonly #plan: Plan
  readonly #parts: Parts
  readonly #changes: PreparedChanges
  /** Of what is its own: the engines are not. */
  readonly #undo: UndoStack

  private constructor(plan: Plan, parts: Parts, changes: PreparedChanges, undo: UndoStack) {
    this.#plan = plan
    this.#parts = parts
    this.#changes = changes
    this.#undo = undo
  }

  /**
   * Everything is ready for commit(): targets are followed, and those that run already are known. This process, process 1
   * and kernel threads are never targets.
   *
   * @param before those that these replace: what they have loaded and attached serves these, too, as far as it can
   * @throws {MinderbinderError} why a rule cannot be applied; then nothing is left, and those before stay in force
   */
  static async prepare(given: MachinePlan, before?: MachineRules): Promise<MachineRules> {
    const undo = new UndoStack()
    try {
      const { rules, includeSetuid, onNotice } = given
      const earlier = before ? before.#handedOn : undefined
      const observation = new Observation(given.watched)
      const plan = { ...given, onEvent: observation.listener(given.onEvent) }
      // First, so that its programs run before those that look up what it finds out.
      const table = await tableFor(given, earlier?.table)
      undo.push(() => table.leave())
      const set = table.value.begin(rules)
      undo.push(() => set.end())
      const context = contextOf(plan, { machine: true, onNotice, targets: async () => set })
      const { changes, engines } = await prepareEngines(plan, context, earlier)
      undo.push(() => changes.end())
      const next = new MachineRules(plan, { table, set, engines, observation }, changes, undo)
      const spared = { never: new Set([process.pid]), includeSetuid }
      const adopt = (target: TargetEntry) => changes.adopt(target)
      await adoptRunning(set, table.value.running, rules, spared, adopt)
      undo.push(() => observation.close())
      await next.#observe(earlier)
      return next
    } catch (error) {
      await undo.run().catch(() => {}) // what went wrong first is what the user must hear of
      throw error
    }
  }

  get rules(): readonly Rule[] {
    return this.#plan.rules
  }

  /** Faults every target from now on, and no longer those of the rules before. */
  enforce(): void {
    this.#parts.set.enforce()
  }

  /** The engines have these rules and no others. Never rejects. @param before those that had them until now */
  async commit(before?: MachineRules): Promise<Replaced> {
    const committed = await this.#changes.commit()
    if (!before) return {}
    const failure = failureOf(committed)
    const isKnown = committed.every((each) => each.failure === undefined || each.last)
    const last = isKnown ? committed.flatMap((each) => each.last ?? []) : undefined
    const ended = await before.#end(last)
    return { ...ended, failure: failure ?? ended.failure }
  }

  /** Leaves nothing of them; those before stay in force. */
  abandon(): Promise<void> {
    return this.#undo.run()
  }

  sample(): Promise<Activity> {
    return this.#parts.observation.sample()
  }

  async snapshot(): Promise<SessionSnapshot> {
    const { rules, engines } = this.#plan
    const totals = await collectCounts(rules.length, [...this.#parts.engines.values()])
    return { ...totals, rules, engines: engineNames(engines) }
  }

  /** From here on nothing is faulted. Idempotent. */
  async lift(): Promise<void> {
    this.#parts.set.lift()
    for (const engine of this.#parts.engines.values()) await engine.lift?.()
  }

  /** Also ends the engines, none of which goes on: what the rules did in all. */
  async close(): Promise<SessionSnapshot> {
    for (const engine of this.#parts.engines.values()) this.#undo.push(() => engine.close())
    let last: SessionSnapshot
    try {
      await this.lift()
      last = await this.#withNotes(await this.snapshot())
    } catch (error) {
      await this.#undo.run().catch(() => {})
      throw error
    }
    await this.#undo.run()
    return last
  }

  /** Once its engines have other rules. @param last what they did for these; undefined if that is not known */
  async #end(last: readonly EngineSnapshot[] | undefined): Promise<Replaced> {
    const { rules, engines } = this.#plan
    let before: SessionSnapshot | undefined
    let failure: unknown
    try {
      const totals = last && totalsOf(rules.length, last)
      before =
        totals && (await this.#withNotes({ ...totals, rules, engines: engineNames(engines) }))
    } catch (error) {
      failure = error
    }
    await this.#undo.run().catch((error) => {
      failure ??= error
    })
    return { before, failure }
  }

  /** What can serve the rules that follow. */
  get #handedOn() {
    return { plan: this.#plan, ...this.#parts }
  }

  async #withNotes(done: SessionSnapshot): Promise<SessionSnapshot> {
    return { ...done, notes: [...done.notes, ...(await this.#parts.set.notes({ spared: true }))] }
  }

  /** @param before of the rules before, whose statistics go on if they are of the same table */
  #observe(before: Parts | undefined): Promise<void> {
    const { rules, seed } = this.#plan
    const { table, set, observation } = this.#parts
    const subject = {
      seed,
      now: () => this.snapshot(),
      namesInterfaces: rules.some(({ kind }) => kind !== 'syscall'),
      targets: () => targetsOfSet(set, rules),
      counted: { targets: table.value.map, turn: table.value.turnMap },
    }
    return observation.open(subject, before?.table === table ? before.observation : undefined)
  }
}

/** The table for rules that are to follow: the one before, if it has room; for 4,096 rules it has (RULES_MAX). */
async function tableFor(
  { rules, includeSetuid }: MachinePlan,
  before: Shared<TargetTable> | undefined,
): Promise<Shared<TargetTable>> {
  if (before?.value.hasRoomFor(rules)) return before.join()
  const scope = { cgroup: undefined, own: process.pid, includeSetuid, before: before?.value }
  return new Shared(await TargetTable.open(rules, scope), (each) => each.close())
}

/** Every engine of the plan, and every one before, which ends without rules if the plan has none for it. */
async function prepareEngines(
  plan: Plan,
  context: EngineContext,
  before: { readonly plan: Plan; readonly engines: AttachedByEngine } | undefined,
): Promise<{ changes: PreparedChanges; engines: AttachedByEngine }> {
  const engines = new Map<Engine, AttachedEngine>()
  const prepares = [...new Set([...plan.engines.keys(), ...(before?.engines.keys() ?? [])])].map(
    (engine) => async (): Promise<PreparedChange> => {
      const indices = plan.engines.get(engine) ?? []
      const known = before?.engines.get(engine)
      const attached = known ?? (await engine.attach(context, indices))
      if (indices.length > 0) engines.set(engine, attached)
      if (!known) return firstOf(attached)
      const add = new Map(indices.map((index) => [index, plan.rules[index]!]))
      return attached.prepare({ add, remove: before?.plan.engines.get(engine) ?? [], context })
    },
  )
  return { changes: await PreparedChanges.of(prepares), engines }
}

/** The first rules of an engine are a change, too. */
async function firstOf(engine: AttachedEngine): Promise<PreparedChange> {
  await begun(engine)
  return {
    adopt: async (target) => engine.adopt?.(target),
    commit: async () => ({}),
    abandon: () => engine.close(),
  }
}
