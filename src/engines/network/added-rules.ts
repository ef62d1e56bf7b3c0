/**
 * Network rules that clients of --control add and remove while their command runs. The first one loads and attaches the
 * programs, which stay with or without rules: each attachment takes the kernel a while, and a change of a map takes no
 * time.
 */
import { type Interface, listInterfaces } from '../../kernel/network/interfaces.ts'
import type { Caller } from '../../launch/change-frame.ts'
import { eventOffsets } from '../../report/event.ts'
import type { Rule, RuleCounts, Slot } from '../../rules/rule.ts'
import type { Shared } from '../../shared.ts'
import type { CallerTargets, FollowedScope } from '../../targets/caller-targets.ts'
import { UndoStack } from '../../undo.ts'
import type { AddedRules } from '../changing.ts'
import type { Committed, EngineContext, EngineSnapshot, PreparedChange } from '../engine.ts'
import { Attachment } from './attachment.ts'
import { NetworkObject } from './object.ts'
import type { PlacedRules } from './placed-rules.ts'
import type { NetworkEngine } from './start.ts'

/** Of removed rules: clients may have had thousands. */
const NOTES_MAX = 20

/** What is loaded and attached, for as many rules as have rows there. */
interface Place {
  readonly attachment: Attachment
  readonly callers: Shared<CallerTargets>
  /** No rules: what is attached stays until these end. */
  readonly base: PlacedRules
}

interface AddedRule {
  readonly place: Place
  readonly placed: PlacedRules
  readonly row: number
}

/** Where a rule is put, and the interfaces that it may name. */
interface Whereabouts {
  readonly slot: Slot
  readonly row: number
  readonly interfaces: readonly Interface[]
}

export class AddedNetworkRules implements AddedRules {
  readonly #engine: NetworkEngine
  readonly #context: EngineContext
  /** The last one takes new rules; others stay while they have some. */
  #places: Place[] = []
  readonly #live = new Map<Slot, AddedRule>()
  readonly #removed = new Map<Slot, RuleCounts>()
  readonly #notes = new Set<string>()
  /** Of places that are closed. */
  #lostEvents = 0n

  constructor(engine: NetworkEngine, context: EngineContext) {
    this.#engine = engine
    this.#context = { ...context, rules: [] }
  }

  async prepare(
    add: ReadonlyMap<Slot, Rule>,
    remove: readonly Slot[],
    caller: Caller | undefined,
  ): Promise<PreparedChange> {
    const undo = new UndoStack()
    try {
      const added = caller ? await this.#add(add, caller, undo) : new Map<Slot, AddedRule>()
      return {
        commit: () => this.#commit(added, remove),
        abandon: () => undo.run(),
      }
    } catch (error) {
      await undo.run().catch(() => {}) // what went wrong first is what the client must hear of
      throw error
    }
  }

  async snapshot(): Promise<EngineSnapshot> {
    const live = [...this.#live].map(([slot, { placed }]) => [slot, countsOf(placed)] as const)
    const attachments = this.#places.map(({ attachment }) => attachment)
    return {
      counts: new Map([...this.#removed, ...live]),
      lostEvents: attachments.reduce(
        (sum, each) => sum + each.tallied().lostEvents,
        this.#lostEvents,
      ),
      notes: [
        ...this.#notes,
        ...[...this.#live.values()].flatMap(({ placed }) => placed.notes()),
        ...attachments.flatMap((each) => each.notes()),
      ],
    }
  }

  async lift(): Promise<void> {
    for (const { place, placed } of this.#live.values()) await place.attachment.lift(placed)
    for (const { attachment, base } of this.#places) await attachment.lift(base)
  }

  async close(): Promise<void> {
    await this.lift()
    for (const { place, placed } of this.#live.values()) await place.attachment.end(placed)
    this.#live.clear()
    for (const place of this.#places.splice(0)) await closePlace(place)
  }

  /** Everything but in force: its processes and their sockets are known. */
  async #add(
    add: ReadonlyMap<Slot, Rule>,
    caller: Caller,
    undo: UndoStack,
  ): Promise<ReadonlyMap<Slot, AddedRule>> {
    const { scope } = caller
    if (scope === 'thread' || scope === 'exec') throw new Error('a network rule for a thread')
    const place = await this.#placeFor(add.size)
    const { attachment, callers } = place
    const added = new Map<Slot, AddedRule>()
    const interfaces = await listInterfaces()
    for (const [slot, rule] of add) {
      const row = callers.value.take(scope)
      undo.push(() => callers.value.release([row]))
      const placed = this.#put(place, { slot, row, interfaces }, forCaller(rule, scope, caller.pid))
      undo.push(() => attachment.end(placed))
      const { ready } = await attachment.begin(placed)
      await ready
      added.set(slot, { place, placed, row })
    }
    const rows = [...added.values()].map(({ row }) => row)
    // A connection is its caller's, a packet its socket's.
    const lost = [...added].filter(([slot]) => add.get(slot)?.kind === 'drop-net')
    await callers.value.follow(rows, scope, caller, async (target) => {
      for (const [, { placed, row }] of lost) await placed.adopt({ ...target, rules: [row] })
    })
    return added
  }

  async #commit(added: ReadonlyMap<Slot, AddedRule>, remove: readonly Slot[]): Promise<Committed> {
    for (const [slot, rule] of added) {
      rule.placed.enforce()
      this.#live.set(slot, rule)
    }
    try {
      for (const slot of remove) await this.#remove(slot)
      await this.#closeUnused()
      return {}
    } catch (failure) {
      return { failure }
    }
  }

  async #remove(slot: Slot): Promise<void> {
    const rule = this.#live.get(slot)
    if (!rule) throw new Error(`rule ${slot} was not added`)
    const { place, placed, row } = rule
    await place.attachment.lift(placed)
    this.#removed.set(slot, countsOf(placed))
    for (const note of placed.notes()) if (this.#notes.size < NOTES_MAX) this.#notes.add(note)
    this.#live.delete(slot)
    await place.attachment.end(placed)
    place.callers.value.release([row])
  }

  #put(
    { attachment, callers }: Place,
    { slot, row, interfaces }: Whereabouts,
    rule: Rule,
  ): PlacedRules {
    const { onEvent } = this.#context
    const context = {
      ...this.#context,
      rules: [rule],
      onEvent:
        onEvent &&
        ((event: Buffer) => {
          event.writeUInt32LE(slot, eventOffsets.rule)
          onEvent(event)
        }),
    }
    const { map, turnMap, turn } = callers.value
    const targets = { map, turnMap, turn, firstRow: row, firstSlot: slot }
    const { rules } = this.#engine.needsOf(context.rules, [0])
    return attachment.network.place(context, rules, targets, interfaces)
  }

  /** The last one, or a new one if that has given all its rows. */
  async #placeFor(rules: number): Promise<Place> {
    const last = this.#places.at(-1)
    if (last?.callers.value.hasRoom(rules)) return last
    const { callers } = this.#context
    if (!callers) throw new Error('rules come and go in a session that does not change')
    const shared = await callers(rules)
    try {
      const place = await this.#open(shared)
      this.#places.push(place)
      return place
    } catch (error) {
      await shared.leave()
      throw error
    }
  }

  async #open(callers: Shared<CallerTargets>): Promise<Place> {
    const [engine, context] = [this.#engine, this.#context]
    const none = { dropOut: [], dropIn: [], refuse: [] }
    const network = await NetworkObject.load(context, none, engine.all, callers.value)
    const programs = engine.programsFor(
      // At every interface that a rule may name, too.
      { programs: engine.all, interfaces: { has: () => true } },
      context,
      network,
    )
    const base = network.place(context, none, callers.value, [])
    const attachment = new Attachment(network, programs, context.onNotice)
    try {
      await (await attachment.begin(base)).ready
    } catch (error) {
      await attachment.end(base)
      throw error
    }
    return { attachment, callers, base }
  }

  /** All but the last place, once their rules are gone. */
  async #closeUnused(): Promise<void> {
    const used = new Set([...this.#live.values()].map(({ place }) => place))
    for (const place of this.#places.slice(0, -1)) {
      if (used.has(place)) continue
      this.#lostEvents += place.attachment.tallied().lostEvents
      this.#places = this.#places.filter((each) => each !== place)
      await closePlace(place)
    }
  }
}

async function closePlace({ attachment, base, callers }: Place): Promise<void> {
  await attachment.end(base)
  await callers.leave()
}

function countsOf(placed: PlacedRules): RuleCounts {
  return placed.counts().get(0)!
}

/** The same rule, as one that has targets. */
function forCaller(rule: Rule, scope: FollowedScope, pid: number): Rule {
  return { ...rule, targets: [{ kind: 'pid', pid }], inherit: scope !== 'process' }
}
