/**
 * Calls that the programs of bpf/syscall.bpf.o meet for rules that come and go. A call is attached when a rule first names
 * it, and stays so: each attachment takes the kernel a while, and a change of a map takes no time.
 */
import { MinderbinderError } from '../../errors.ts'
import { architecture } from '../../kernel/architecture.ts'
import { gracePeriod } from '../../kernel/grace-period.ts'
import { callShape } from '../../rules/names/shapes.ts'
import type { RuleCounts, Slot, SyscallRule } from '../../rules/rule.ts'
import { listNames } from '../../rules/words/lists.ts'
import type { Targets } from '../../targets/target.ts'
import type { EngineContext } from '../engine.ts'
import { attachChanging, type ChangingAttachment } from './attach.ts'
import { availableWays } from './here.ts'
import type { Losses } from './losses.ts'
import { attachSomehow, type Manner } from './manner.ts'
import type { OverrideObject } from './object.ts'
import { NAMED_CALL_SIZE, overrideTables } from './tables.ts'
import { type AttachedWay, waysServe } from './ways.ts'

/** In the maps, by row. */
export type RulesByRow = ReadonlyMap<number, SyscallRule>

export class AttachedCalls {
  readonly #manner: Manner
  readonly #context: EngineContext
  readonly #targets: Targets
  /** The first one has the maps of all. */
  readonly #attachments: ChangingAttachment[] = []
  readonly #ways = new Map<string, AttachedWay>()
  readonly #common = new Set<string>()
  #side = 0
  /** Numbers of the calls that some rule names, by side. */
  readonly #written: [ReadonlySet<number>, ReadonlySet<number>] = [new Set(), new Set()]
  /** Ends when no program looks at the side any more that is not in force. */
  #settled: Promise<unknown> = Promise.resolve()
  #lifted = false

  constructor(manner: Manner, context: EngineContext, targets: Targets) {
    this.#manner = manner
    this.#context = { ...context, rules: [] }
    this.#targets = targets
  }

  /** @throws {MinderbinderError} what is attached stays */
  async attachFor(rule: SyscallRule): Promise<void> {
    const calls = this.#manner.calls([rule])
    const fresh = calls.filter((name) => !this.#ways.has(name))
    if (fresh.length > 0) await this.#attach(rule, fresh)
    const unserved = calls.filter((name) => !waysServe(this.#ways, [rule], [name]))
    if (unserved.length > 0)
      throw new MinderbinderError(
        'MB_NO_ENGINE',
        `${rule.source}: the program at ${listNames(unserved, 'and', 3)} was attached for other faults, and cannot do this one`,
        { hint: 'path= and ret:0 do not go together in one run of this engine' },
      )
  }

  /** The rule is in its row, and not in force. After attachFor(). */
  put(row: number, slot: Slot, rule: SyscallRule): void {
    this.#object.addRule(row, slot, rule)
  }

  countsOf(row: number): RuleCounts {
    return this.#object.countsOf(row)
  }

  /** Everything is ready for these to be in force, and none but these. @returns what makes it so, at once */
  async ready(rules: RulesByRow): Promise<() => void> {
    await this.#settled
    const side = 1 - this.#side
    const plan: SyscallRule[] = []
    for (const [row, rule] of rules) plan[row] = rule
    const { calls } = overrideTables(plan, [...rules.keys()], architecture)
    const none = Buffer.alloc(NAMED_CALL_SIZE)
    const gone = [...this.#written[side]!].filter((nr) => !calls.has(nr))
    this.#object.setCalls(side, new Map([...calls, ...gone.map((nr) => [nr, none] as const)]))
    this.#written[side] = new Set(calls.keys())
    return () => {
      this.#object.enforceSide(side)
      this.#side = side
      this.#settled = gracePeriod()
    }
  }

  /** The rules before have decided their last call, and its event has been handed on. */
  async settled(): Promise<void> {
    await this.#settled
    this.#object.drain()
  }

  async losses(): Promise<Losses> {
    const [first, ...others] = this.#attachments
    const losses = await first!.object.losses()
    const missed = await Promise.all(others.map(({ object }) => object.missed()))
    return { ...losses, missed: missed.reduce((sum, each) => sum + each, losses.missed) }
  }

  /** From here on nothing is faulted. Idempotent. */
  async lift(): Promise<void> {
    const [first] = this.#attachments
    if (this.#lifted || !first) return
    this.#lifted = true
    first.object.disarm()
    await gracePeriod()
    first.object.drain()
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.lift()
    const all = this.#attachments.splice(0)
    for (const { detach } of all) await detach()
    for (const { object } of all) object.close()
  }

  get #object(): OverrideObject {
    return this.#attachments[0]!.object
  }

  /** A path that comes later is to be seen, too, where calls can have a second program for it. */
  async #attach(rule: SyscallRule, fresh: readonly string[]): Promise<void> {
    const paths = fresh.filter((name) => callShape(name).paths.length > 0)
    const touching = { ...rule, syscalls: paths, path: '*' }
    if (paths.length > 0 && this.#manner.name === 'override' && availableWays.second)
      try {
        return await this.#attachBy([rule, touching], fresh)
      } catch {
        // Then do without it: either this rule has what it needs, or the next attempt says why not.
      }
    await this.#attachBy([rule], fresh)
  }

  async #attachBy(rules: readonly SyscallRule[], fresh: readonly string[]): Promise<void> {
    const attempts = this.#manner.attempts(rules, fresh)
    const attachment = await attachSomehow(this.#manner, attempts, (ways) =>
      attachChanging(this.#context, rules, ways, {
        targets: this.#targets,
        control: this.#context.controlSocket,
        beside: this.#attachments[0]?.object,
        common: this.#common,
      }),
    )
    this.#attachments.push(attachment)
    for (const [name, way] of attachment.ways) this.#ways.set(name, way)
    for (const program of attachment.common) this.#common.add(program)
  }
}
