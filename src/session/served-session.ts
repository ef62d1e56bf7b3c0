/** Rules that processes anywhere on the machine ask for (serve): there is no command, and no rule of the session's own. */
import type { EngineOption } from '../engines/choose.ts'
import {
  type AttachedEngine,
  type Engine,
  type EngineName,
  kernelEngines,
} from '../engines/engine.ts'
import { machineEngines } from '../engines/engines.ts'
import { collectCounts } from '../engines/totals.ts'
import { MinderbinderError } from '../errors.ts'
import type { Rule } from '../rules/rule.ts'
import { RuleTable } from '../rules/rule-table.ts'
import { UndoStack } from '../undo.ts'
import { applyChange } from './apply-change.ts'
import { contextOf } from './attach-engines.ts'
import { callersOf } from './callers.ts'
import type { CommandChange } from './change.ts'
import { OneAtATime } from './one-at-a-time.ts'
import type { Changed, Session, SessionSnapshot } from './session.ts'

/** In force at one time, of all clients together: what `exec --control` has room for, too. */
const RULES_AT_ONCE_MAX = 256

export interface ServedSettings {
  readonly seed: bigint
  /** For system call rules. */
  readonly engine: EngineOption
  readonly includeLoader: boolean
  /** System calls that rules may name. */
  readonly reach: ReadonlySet<string>
  /** Path of the socket on which clients ask for rules. */
  readonly controlSocket: string
  /** Receives what people should know meanwhile, one line each. */
  readonly onNotice: (text: string) => void
}

/** What is open while there are clients. */
interface Parts {
  readonly rules: RuleTable
  /** Which engine did each rule, by slot. */
  readonly names: EngineName[]
  readonly attached: ReadonlyMap<Engine, AttachedEngine>
  /** Of engines that do not work here, the reason. */
  readonly missing: ReadonlyMap<EngineName, string>
  readonly undo: UndoStack
}

export class ServedSession implements Pick<Session<CommandChange>, 'change' | 'snapshot'> {
  readonly #settings: ServedSettings
  readonly #work = new OneAtATime()
  #parts: Parts | undefined
  #closed = false

  private constructor(settings: ServedSettings, parts: Parts) {
    this.#settings = settings
    this.#parts = parts
  }

  /** Nothing is attached before the first rule. @throws {MinderbinderError} the engine that was named does not work here */
  static async open(settings: ServedSettings): Promise<ServedSession> {
    return new ServedSession(settings, await openParts(settings))
  }

  /** Why an engine does not work here. Empty once rest() has closed what was open. */
  get missing(): ReadonlyMap<EngineName, string> {
    return this.#parts?.missing ?? new Map()
  }

  change(change: CommandChange): Promise<Changed> {
    return this.#work.next(() => this.#change(change))
  }

  snapshot(): Promise<SessionSnapshot> {
    return this.#work.next(async () => {
      const { rules, names, attached } = await this.#opened()
      const totals = await collectCounts(rules.all.length, [...attached.values()])
      return { ...totals, rules: rules.all, lives: rules.lives, engines: [...names] }
    })
  }

  /** No client is there: nothing stays attached, and what is known of rules that are over is forgotten. */
  rest(): Promise<void> {
    return this.#work.next(async () => {
      if (this.#parts?.rules.live.length === 0) await this.#end()
    })
  }

  /** Lifts what is in force, and leaves nothing. Idempotent. */
  close(): Promise<void> {
    this.#closed = true
    return this.#work.next(() => this.#end())
  }

  async #change(change: CommandChange): Promise<Changed> {
    const parts = await this.#opened()
    const { rules } = parts
    const removed = change.remove === 'all' ? rules.live.length : change.remove.length
    if (rules.live.length - removed + change.add.length > RULES_AT_ONCE_MAX)
      throw new MinderbinderError(
        'MB_CONTROL',
        `clients have ${rules.live.length} faults in force, and can have at most ${RULES_AT_ONCE_MAX} together`,
        { hint: 'lift some' },
      )
    return applyChange(change, parts, hintFor)
  }

  async #opened(): Promise<Parts> {
    if (this.#closed) throw new MinderbinderError('MB_CONTROL', 'minderbinder serve is ending')
    this.#parts ??= await openParts(this.#settings)
    return this.#parts
  }

  async #end(): Promise<void> {
    const parts = this.#parts
    this.#parts = undefined
    if (!parts) return
    try {
      for (const engine of parts.attached.values()) await engine.lift?.()
    } finally {
      await parts.undo.run()
    }
  }
}

async function openParts(settings: ServedSettings): Promise<Parts> {
  const { seed, includeLoader, reach, controlSocket, onNotice, engine: option } = settings
  const undo = new UndoStack()
  const callers = callersOf({ own: process.pid }, false)
  undo.push(() => callers.close())
  const plan = { rules: [], seed, engines: new Map(), includeLoader, includeSetuid: false }
  const scope = { capacity: RULES_AT_ONCE_MAX, reach }
  const own = { machine: true, scope, callers: callers.open, controlSocket, onNotice }
  const attached = new Map<Engine, AttachedEngine>()
  const missing = new Map<EngineName, string>()
  try {
    for (const engine of enginesBy(option)) {
      let opened: AttachedEngine
      try {
        opened = await engine.attach(contextOf(plan, own), [])
      } catch (error) {
        if (!(error instanceof MinderbinderError) || engine.name === option) throw error
        const why = engine.refusalHere?.([]) ?? error.message
        missing.set(engine.name, why)
        opened = absent(why)
      }
      attached.set(engine, opened)
      undo.push(() => opened.close())
    }
  } catch (error) {
    await undo.run().catch(() => {}) // what went wrong first is what the user must hear of
    throw error
  }
  return { rules: new RuleTable([]), names: [], attached, missing, undo }
}

/** The network has no other engines. */
function enginesBy(option: EngineOption): readonly Engine[] {
  if (option === 'auto') return machineEngines
  return machineEngines.filter(({ name }) => name === option || !kernelEngines.includes(name))
}

/** An engine that takes no rule. */
function absent(why: string): AttachedEngine {
  return {
    refusal: () => why,
    prepare: () => Promise.reject(new Error('a rule for an engine that does not work here')),
    snapshot: async () => ({ counts: new Map(), lostEvents: 0n }),
    close: async () => {},
  }
}

function hintFor({ kind }: Rule): string {
  if (kind !== 'syscall') return 'minderbinder doctor shows what network faults need'
  return 'seccomp and ptrace can do more, but only in a command that minderbinder starts: minderbinder exec --control -- COMMAND'
}
