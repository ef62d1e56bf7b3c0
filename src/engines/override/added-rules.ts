/** System call rules that clients of --control add and remove while their command runs, and the kernel's programs do. */
import type { Caller } from '../../launch/change-frame.ts'
import type { Rule, RuleCounts, Slot, SyscallRule } from '../../rules/rule.ts'
import type { Shared } from '../../shared.ts'
import type { CallerTargets } from '../../targets/caller-targets.ts'
import { UndoStack } from '../../undo.ts'
import type { AddedRules } from '../changing.ts'
import type { Committed, EngineContext, EngineSnapshot, PreparedChange } from '../engine.ts'
import { AttachedCalls } from './attached-calls.ts'
import { notesOn } from './losses.ts'
import type { Manner } from './manner.ts'

/** What is attached, for as many rules as have rows there. */
interface Place {
  readonly calls: AttachedCalls
  readonly callers: Shared<CallerTargets>
}

interface AddedRule {
  readonly place: Place
  readonly row: number
  readonly rule: SyscallRule
}

export class AddedCallRules implements AddedRules {
  readonly #manner: Manner
  readonly #context: EngineContext
  /** The last one takes new rules; others stay while they have some. */
  #places: Place[] = []
  readonly #live = new Map<Slot, AddedRule>()
  readonly #removed = new Map<Slot, RuleCounts>()
  /** Of places that are closed. */
  readonly #notes = new Set<string>()
  #closed = { lostEvents: 0n, foreignCalls: 0n }

  constructor(manner: Manner, context: EngineContext) {
    this.#manner = manner
    this.#context = context
  }

  async prepare(
    add: ReadonlyMap<Slot, Rule>,
    remove: readonly Slot[],
    caller: Caller | undefined,
  ): Promise<PreparedChange> {
    const undo = new UndoStack()
    try {
      const added = caller ? await this.#add(add, caller, undo) : new Map<Slot, AddedRule>()
      const after = new Map([...this.#live, ...added])
      for (const slot of remove) after.delete(slot)
      const enforce = await this.#ready(after, [...added.values(), ...this.#liveOnes(remove)])
      return {
        commit: () => this.#commit(added, remove, enforce),
        abandon: () => undo.run(),
      }
    } catch (error) {
      await undo.run().catch(() => {}) // what went wrong first is what the client must hear of
      throw error
    }
  }

  async snapshot(): Promise<EngineSnapshot> {
    const live = [...this.#live].map(
      ([slot, { place, row }]) => [slot, place.calls.countsOf(row)] as const,
    )
    const all = await Promise.all(this.#places.map(({ calls }) => calls.losses()))
    return {
      counts: new Map([...this.#removed, ...live]),
      lostEvents: all.reduce((sum, { events }) => sum + events, this.#closed.lostEvents),
      foreignCalls: all.reduce((sum, each) => sum + each.foreignCalls, this.#closed.foreignCalls),
      notes: [...this.#notes, ...all.flatMap((each) => notesOn(this.#manner.name, each))],
    }
  }

  async lift(): Promise<void> {
    for (const { calls } of this.#places) await calls.lift()
  }

  async close(): Promise<void> {
    for (const place of this.#places.splice(0)) await closePlace(place)
  }

  /** Everything but in force: their calls are attached, and their processes known. */
  async #add(
    add: ReadonlyMap<Slot, Rule>,
    caller: Caller,
    undo: UndoStack,
  ): Promise<ReadonlyMap<Slot, AddedRule>> {
    const added = new Map<Slot, AddedRule>()
    if (add.size === 0) return added
    const { scope } = caller
    if (scope === 'thread' || scope === 'exec')
      throw new Error(`a rule of ${this.#manner.name} for a thread`)
    const rules = [...add].map(([slot, rule]) => [slot, rule as SyscallRule] as const)
    const place = await this.#placeFor(rules.map(([, rule]) => rule))
    const { calls, callers } = place
    for (const [slot, rule] of rules) {
      const row = callers.value.take(scope)
      undo.push(() => callers.value.release([row]))
      calls.put(row, slot, rule)
      added.set(slot, { place, row, rule })
    }
    const rows = [...added.values()].map(({ row }) => row)
    await callers.value.follow(rows, scope, caller, async () => {})
    return added
  }

  #liveOnes(slots: readonly Slot[]): readonly AddedRule[] {
    return slots.map((slot) => {
      const rule = this.#live.get(slot)
      if (!rule) throw new Error(`rule ${slot} was not added`)
      return rule
    })
  }

  /** @returns what puts the rules in force that are there after a change of some of them */
  async #ready(
    after: ReadonlyMap<Slot, AddedRule>,
    changed: readonly AddedRule[],
  ): Promise<readonly (() => void)[]> {
    const enforce: (() => void)[] = []
    for (const place of new Set(changed.map((each) => each.place))) {
      const own = [...after.values()].filter((each) => each.place === place)
      enforce.push(await place.calls.ready(new Map(own.map(({ row, rule }) => [row, rule]))))
    }
    return enforce
  }

  async #commit(
    added: ReadonlyMap<Slot, AddedRule>,
    remove: readonly Slot[],
    enforce: readonly (() => void)[],
  ): Promise<Committed> {
    try {
      for (const each of enforce) each()
      for (const [slot, rule] of added) this.#live.set(slot, rule)
      for (const slot of remove) await this.#remove(slot)
      if (remove.length > 0) await this.#closeUnused()
      return {}
    } catch (failure) {
      return { failure }
    }
  }

  async #remove(slot: Slot): Promise<void> {
    const { place, row } = this.#live.get(slot)!
    await place.calls.settled()
    this.#removed.set(slot, place.calls.countsOf(row))
    this.#live.delete(slot)
    place.callers.value.release([row])
  }

  /** The last one, or a new one if that has given all its rows; the calls of these rules are attached there. */
  async #placeFor(rules: readonly SyscallRule[]): Promise<Place> {
    const last = this.#places.at(-1)
    if (last?.callers.value.hasRoom(rules.length)) {
      for (const rule of rules) await last.calls.attachFor(rule)
      return last
    }
    const { callers } = this.#context
    if (!callers) throw new Error('rules come and go in a session that does not change')
    const shared = await callers(rules.length)
    const place = {
      calls: new AttachedCalls(this.#manner, this.#context, shared.value),
      callers: shared,
    }
    try {
      for (const rule of rules) await place.calls.attachFor(rule)
    } catch (error) {
      await closePlace(place)
      throw error
    }
    this.#places.push(place)
    return place
  }

  /** All but the last place, once their rules are gone. */
  async #closeUnused(): Promise<void> {
    const used = new Set([...this.#live.values()].map(({ place }) => place))
    for (const place of this.#places.slice(0, -1)) {
      if (used.has(place)) continue
      await place.calls.lift()
      const losses = await place.calls.losses()
      this.#closed = {
        lostEvents: this.#closed.lostEvents + losses.events,
        foreignCalls: this.#closed.foreignCalls + losses.foreignCalls,
      }
      for (const note of notesOn(this.#manner.name, losses)) this.#notes.add(note)
      this.#places = this.#places.filter((each) => each !== place)
      await closePlace(place)
    }
  }
}

async function closePlace({ calls, callers }: Place): Promise<void> {
  await calls.close()
  await callers.leave()
}
