/** One client of the control socket: its requests, one after the other, and the rules that it has in force. */
import { existsSync } from 'node:fs'
import type { EngineName } from '../engines/engine.ts'
import { MinderbinderError } from '../errors.ts'
import { architecture } from '../kernel/architecture.ts'
import { type CallerIdentity, type CallerScope, callerScopes } from '../launch/change-frame.ts'
import { parseFaults } from '../library/faults.ts'
import { hintForAll } from '../report/hints.ts'
import { whyNotFired } from '../report/why-not-fired.ts'
import { seedsInSlots } from '../rules/draw.ts'
import type { Rule, Slot } from '../rules/rule.ts'
import type { CommandChange } from '../session/change.ts'
import type { Changed, Session, SessionSnapshot } from '../session/session.ts'
import { version } from '../version.ts'
import {
  type Answer,
  answerLine,
  errorAnswer,
  type Included,
  type InjectedRule,
  LINE_MAX,
  PROTOCOL_VERSION,
  parseLine,
  parseRequest,
  type Request,
  type RuleCountsMessage,
  type RuleKind,
  wrong,
} from './messages.ts'

/** Requests that wait for an answer: a client that sends more does not read the answers. */
const PENDING_MAX = 256

export interface ConnectionContext {
  readonly session: Pick<Session<CommandChange>, 'change' | 'snapshot'>
  readonly seed: bigint
  readonly reach: ReadonlySet<string>
  /** Those that work here. Without it: all. */
  readonly scopes?: readonly CallerScope[]
  /** Of hello. */
  readonly engine: EngineName | undefined
  readonly includes: readonly Included[]
  /** What to do for a call that is not in it. */
  reachHint(syscall: string): string
  /** Hears of rules that are in force, and of their seeds, if they have their own. */
  onRules?(
    slots: readonly Slot[],
    rules: readonly Rule[],
    seeds: ReadonlyMap<Slot, bigint> | undefined,
  ): void
  /** Which process a client is, where no command of ours started it. @throws {MinderbinderError} it has ended */
  identify?(client: number): CallerIdentity
}

export class Connection {
  readonly #client: number
  readonly #pid: number
  readonly #context: ConnectionContext
  readonly #send: (text: string) => void
  readonly #rules = new Map<Slot, Rule>()
  /** Those of which it hears each injection, also when they are lifted. */
  readonly #heard = new Set<Slot>()
  #text: Buffer<ArrayBufferLike> = Buffer.alloc(0)
  #greeted = false
  #pending = 0
  /** No request is taken any more. */
  #over = false
  #last: Promise<unknown> = Promise.resolve()

  /** @param client the supervisor's number for it */
  constructor(
    client: number,
    pid: number,
    context: ConnectionContext,
    send: (text: string) => void,
  ) {
    this.#client = client
    this.#pid = pid
    this.#context = context
    this.#send = send
  }

  /** Bytes from the client. @returns whether it may go on: else end() has to follow, once it has its answers */
  push(bytes: Buffer): boolean {
    if (this.#over) return false
    this.#text = this.#text.length === 0 ? bytes : Buffer.concat([this.#text, bytes])
    for (let end = this.#text.indexOf(10); end >= 0; end = this.#text.indexOf(10)) {
      const line = this.#text.subarray(0, end)
      this.#text = this.#text.subarray(end + 1)
      if (!this.#take(line)) return false
    }
    return this.#text.length <= LINE_MAX || this.#stop(tooLong())
  }

  /** Does it want to hear of the injections of this rule? */
  hears(slot: Slot): boolean {
    return this.#heard.has(slot)
  }

  /** After what it has asked for: its rules are lifted. Whatever goes wrong with that: the session has ended, or will. */
  end(): Promise<void> {
    this.#over = true
    const done = this.#last.then(() => this.#lift([...this.#rules.keys()])).catch(() => {})
    this.#last = done
    return done
  }

  #take(line: Buffer): boolean {
    if (line.length > LINE_MAX) return this.#stop(tooLong())
    if (this.#pending >= PENDING_MAX)
      return this.#stop(wrong(`more than ${PENDING_MAX} requests wait for their answers`))
    let fields: ReturnType<typeof parseLine>
    try {
      fields = parseLine(line.toString('utf8'))
    } catch (error) {
      return this.#stop(error)
    }
    this.#pending += 1
    this.#last = this.#last.then(async () => {
      const answer = await this.#answer(fields).catch(errorAnswer)
      this.#send(answerLine(fields.id, answer))
      this.#pending -= 1
    })
    return true
  }

  /** It hears why, after the answers to what came before. */
  #stop(error: unknown): false {
    this.#over = true
    this.#text = Buffer.alloc(0)
    this.#last = this.#last.then(() => this.#send(answerLine(null, errorAnswer(error))))
    return false
  }

  async #answer(fields: ReturnType<typeof parseLine>): Promise<Answer> {
    const request = parseRequest(fields)
    if (request.type === 'hello') return this.#hello()
    if (!this.#greeted) throw wrong('the first request is hello')
    if (request.type === 'inject') return this.#inject(request)
    const slots = this.#own(request.rules)
    if (request.type === 'counts') return { type: 'counts', rules: await this.#counts(slots) }
    const rules = new Map(slots.map((slot) => [slot, this.#rules.get(slot)!]))
    await this.#lift(slots)
    return { type: 'lifted', rules: await this.#counts(slots, rules) }
  }

  #hello(): Answer {
    this.#greeted = true
    const { seed, reach, engine, includes, scopes = callerScopes } = this.#context
    return {
      type: 'hello',
      version: PROTOCOL_VERSION,
      minderbinder: version(),
      seed: `${seed}`,
      scopes,
      reach: [...reach],
      ...(engine === undefined ? {} : { engine }),
      includes,
    }
  }

  async #inject(request: Request & { type: 'inject' }): Promise<Answer> {
    const { faults, scope, tid, draws, events, only } = request
    if (scope === 'thread' && !existsSync(`/proc/${this.#pid}/task/${tid}`))
      throw wrong(`inject: the client's process, ${this.#pid}, has no thread ${tid}`)
    const all = parseFaults(faults, { arch: architecture })
    const places = all.flatMap((rule, place) => (isOfKind(rule, only) ? [place] : []))
    const rules = places.map((place) => all[place]!)
    for (const rule of rules) this.#checkReach(rule)
    if (draws && draws.places.length !== rules.length)
      throw wrong('inject: places has a number for each rule, and a fault here is of several')
    const identity = this.#context.identify?.(this.#client)
    const caller = { scope, client: this.#client, pid: this.#pid, tid, identity, draws, events }
    const { slots } =
      rules.length > 0 ? await this.#change({ add: rules, remove: [], caller }) : { slots: [] }
    if (events) for (const slot of slots) this.#heard.add(slot)
    this.#context.onRules?.(slots, rules, draws && seedsInSlots(slots, draws))
    for (const [at, slot] of slots.entries()) this.#rules.set(slot, rules[at]!)
    return {
      type: 'injected',
      rules: slots.map((slot, at) => injected(slot, rules[at]!)),
      ...(only && { places, left: all.length - rules.length }),
    }
  }

  #checkReach(rule: Rule): void {
    if (rule.kind !== 'syscall') return
    const beyond = rule.syscalls.find((name) => !this.#context.reach.has(name))
    if (beyond !== undefined)
      throw new MinderbinderError(
        'MB_NO_ENGINE',
        `${rule.source}: ${beyond} is beyond the reach of this session`,
        { hint: this.#context.reachHint(beyond) },
      )
  }

  #own(given: readonly Slot[] | undefined): readonly Slot[] {
    const slots = given ?? [...this.#rules.keys()]
    const other = slots.find((slot) => !this.#rules.has(slot))
    if (other !== undefined)
      throw wrong(`rule ${other} is not in force, or belongs to another connection`)
    return [...new Set(slots)]
  }

  async #lift(slots: readonly Slot[]): Promise<void> {
    if (slots.length === 0) return
    await this.#change({ add: [], remove: slots })
    for (const slot of slots) this.#rules.delete(slot)
  }

  async #change(change: CommandChange): Promise<Changed> {
    const changed = await this.#context.session.change(change)
    if (changed.failure !== undefined) throw changed.failure // the supervisor has died, and the command with it
    return changed
  }

  async #counts(
    slots: readonly Slot[],
    rules: ReadonlyMap<Slot, Rule> = this.#rules,
  ): Promise<RuleCountsMessage[]> {
    if (slots.length === 0) return []
    const now = await this.#context.session.snapshot()
    return slots.map((slot) => countsMessage(slot, rules.get(slot)!, now))
  }
}

function tooLong(): MinderbinderError {
  return wrong(`a line has more than ${LINE_MAX} bytes`)
}

function isOfKind({ kind }: Rule, only: RuleKind | undefined): boolean {
  return only === undefined || (kind === 'syscall') === (only === 'syscall')
}

function injected(slot: Slot, { label, source }: Rule): InjectedRule {
  return { rule: slot, label, source }
}

/** By itself: what others did before it was there is none of its reasons. */
function countsMessage(slot: Slot, rule: Rule, now: SessionSnapshot): RuleCountsMessage {
  const counts = now.counts[slot]!
  const near = now.nearPaths.get(slot)
  const alone = {
    rules: [rule],
    counts: [counts],
    nearPaths: new Map(near ? [[0, near]] : []),
  }
  const silent = counts.fired === 0n
  const hint = silent ? hintForAll(alone, [0], architecture) : undefined
  return {
    ...injected(slot, rule),
    engine: now.engines[slot] ?? '',
    seen: Number(counts.seen),
    matched: Number(counts.matched),
    fired: Number(counts.fired),
    taken: Number(counts.taken),
    unread: Number(counts.unread),
    ...(near ? { near } : {}),
    ...(silent ? { whyNotFired: whyNotFired(alone, 0) } : {}),
    ...(hint === undefined ? {} : { hint }),
  }
}
