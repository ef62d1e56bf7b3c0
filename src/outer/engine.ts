/**
 * System call faults by the session of `exec --control` that this one runs in: a command has one tracer, and its filters one
 * listener, so neither engine of ours could do them.
 */

import type { Hello, InjectedRule, RuleCountsMessage } from '../control/messages.ts'
import type {
  AttachedEngine,
  ChildSetup,
  Engine,
  EngineContext,
  EngineSnapshot,
  Supervisor,
} from '../engines/engine.ts'
import { engineBySupervisor } from '../engines/supervised/engine-by-supervisor.ts'
import type { SupervisedEngine } from '../engines/supervised/notes.ts'
import { MinderbinderError } from '../errors.ts'
import { Deadline } from '../kernel/deadline.ts'
import { eventOffsets } from '../report/event.ts'
import type { RuleCounts, Slot } from '../rules/rule.ts'
import { ControlClient } from './client.ts'

/** How long events of rules that are over may be on their way. */
const LATE_EVENTS_MS = 1_000

export interface OuterSession {
  /** Path of its socket. */
  readonly path: string
  readonly engine: SupervisedEngine
  readonly hello: Hello
}

export function outerEngine({ path, engine, hello }: OuterSession): Engine {
  return {
    name: engine,
    refusal(rule) {
      if (rule.targets) return 'the minderbinder around this one finds no targets for it'
      return engineBySupervisor(engine).refusal(rule)
    },
    async attach(context, indices) {
      const { supervisor } = context
      if (!supervisor) throw new Error(`${engine} was chosen for a session without a command`)
      return new OuterRules({ ...context, supervisor }, indices, path, hello)
    },
  }
}

class OuterRules implements AttachedEngine {
  readonly child: ChildSetup
  readonly #context: EngineContext & { readonly supervisor: Supervisor }
  readonly #indices: readonly Slot[]
  readonly #hello: Hello
  readonly #client: ControlClient
  /** By the outer session's number of the rule: ours. */
  readonly #slots = new Map<number, Slot>()
  #heard = 0
  #onHeard = () => {}
  #last: Promise<EngineSnapshot> | undefined

  constructor(
    context: EngineContext & { readonly supervisor: Supervisor },
    indices: readonly Slot[],
    path: string,
    hello: Hello,
  ) {
    this.#context = context
    this.#indices = indices
    this.#hello = hello
    this.child = { supervised: [], traces: false, outer: path }
    const { supervisor } = context
    this.#client = new ControlClient(
      (text) => supervisor.sendToOuter(text),
      (event) => this.#hear(event),
    )
    supervisor.onOuter({
      said: (bytes) => this.#client.receive(bytes),
      closed: (why = lost()) => {
        this.#client.lose(why)
        if (!this.#last) supervisor.giveUp(why)
      },
    })
  }

  refusal(): string {
    return 'its rules stay as they are while the command runs'
  }

  /** The child has connected, and waits to exec: what it execs, and what that starts, the rules hit. */
  async ready(): Promise<void> {
    const { rules, seed, onEvent } = this.#context
    await this.#client.hello()
    const answer = await this.#client.ask<'injected'>({
      type: 'inject',
      faults: this.#indices.map((index) => rules[index]!.given),
      scope: 'exec',
      seed: `${seed}`,
      places: this.#indices,
      ...(onEvent ? { events: true } : {}),
    })
    if (answer.rules.length !== this.#indices.length) throw this.#misunderstood()
    for (const [at, { rule }] of answer.rules.entries()) this.#slots.set(rule, this.#indices[at]!)
  }

  async prepare(): Promise<never> {
    throw new Error(this.refusal())
  }

  snapshot(): Promise<EngineSnapshot> {
    return this.#last ?? this.#counts('counts')
  }

  /** The command has ended, and what it has left behind goes on without faults. */
  async lift(): Promise<void> {
    this.#last ??= this.#slots.size === 0 ? Promise.resolve(nothing) : this.#lifted()
    await this.#last
  }

  close(): Promise<void> {
    return this.lift()
  }

  async #lifted(): Promise<EngineSnapshot> {
    const last = await this.#counts('lifted')
    if (!this.#context.onEvent) return last
    const fired = [...last.counts.values()].reduce((sum, each) => sum + Number(each.fired), 0)
    await this.#until(fired)
    return { ...last, lostEvents: BigInt(Math.max(0, fired - this.#heard)) }
  }

  async #counts(type: 'counts' | 'lifted'): Promise<EngineSnapshot> {
    const request = { type: type === 'lifted' ? 'lift' : type, rules: [...this.#slots.keys()] }
    const { rules } = await this.#client.ask<'counts' | 'lifted'>(request)
    const own = rules.map((rule) => [this.#slotOf(rule), rule] as const)
    return {
      ...nothing,
      counts: new Map(own.map(([slot, rule]) => [slot, countsOf(rule)])),
      nearPaths: new Map(own.flatMap(([slot, { near }]) => (near ? [[slot, near]] : []))),
    }
  }

  #slotOf({ rule }: InjectedRule): Slot {
    const slot = this.#slots.get(rule)
    if (slot === undefined) throw this.#misunderstood()
    return slot
  }

  #hear(event: Buffer): void {
    const slot = this.#slots.get(event.readUInt32LE(eventOffsets.rule))
    if (slot === undefined) return
    event.writeUInt32LE(slot, eventOffsets.rule)
    this.#heard += 1
    this.#context.onEvent?.(event)
    this.#onHeard()
  }

  /** Until as many events have come, or no more are to be expected. */
  async #until(count: number): Promise<void> {
    const deadline = new Deadline(LATE_EVENTS_MS)
    while (this.#heard < count && !deadline.passed)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadline.leftMs)
        this.#onHeard = () => {
          clearTimeout(timer)
          resolve()
        }
      })
  }

  #misunderstood(): MinderbinderError {
    return new MinderbinderError(
      'MB_CONTROL',
      `the minderbinder around this one, ${this.#hello.minderbinder}, understands the faults otherwise`,
      { hint: 'run both in the same version' },
    )
  }
}

const nothing: EngineSnapshot = { counts: new Map(), lostEvents: 0n }

function countsOf({ seen, matched, fired, taken, unread }: RuleCountsMessage): RuleCounts {
  return {
    ...{ seen: BigInt(seen), matched: BigInt(matched), fired: BigInt(fired) },
    ...{ taken: BigInt(taken), unread: BigInt(unread) },
  }
}

function lost(): MinderbinderError {
  return new MinderbinderError(
    'MB_CONTROL',
    'the minderbinder around this one has ended, or was killed; the command was killed, since its faults were lost',
  )
}
