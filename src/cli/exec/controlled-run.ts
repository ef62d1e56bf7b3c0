/** `exec --control`: what its session may become, and the report of that. */

import type { Included } from '../../control/messages.ts'
import { reachOf } from '../../control/reach.ts'
import { ControlServer } from '../../control/server.ts'
import { type EngineOption, planEngines } from '../../engines/choose.ts'
import { controlledEngine } from '../../engines/controlled.ts'
import type { Engine, EngineName, Scope } from '../../engines/engine.ts'
import { engines } from '../../engines/engines.ts'
import { MinderbinderError } from '../../errors.ts'
import { architecture } from '../../kernel/architecture.ts'
import type { Supervisor } from '../../launch/supervisor.ts'
import { RULES_MAX } from '../../rules/encode.ts'
import { prefixed } from '../../rules/fault-option.ts'
import type { Rule } from '../../rules/rule.ts'
import { counted } from '../../rules/words/numbers.ts'
import type { CommandSession } from '../../session/command-session.ts'
import type { CommandPlan } from '../../session/plan.ts'
import type { CommandResult } from '../../session/run-command.ts'
import type { InjectionLog } from '../injection-log.ts'
import type { ExecOptions } from './options.ts'

/** Rules of clients at one time. Each process has counters for all that there may be. */
const CLIENT_RULES_MAX = 256

export class ControlledRun {
  readonly planned: Pick<CommandPlan, 'engines'>
  readonly scope: Scope
  readonly #seed: bigint
  readonly #own: number
  readonly #engine: EngineName
  readonly #includes: readonly Included[]
  #server: ControlServer | undefined

  /**
   * @param rules those of the command line
   * @param command the program
   * @throws {MinderbinderError} what was asked for does not go together
   */
  constructor(
    { control = '', seed, engine, graph, metrics, includeLoader, includeSetuid }: ExecOptions,
    rules: readonly Rule[],
    command: string,
  ) {
    if (graph || metrics !== undefined)
      throw new MinderbinderError(
        'MB_USAGE',
        `--control: ${graph ? '--graph' : '--metrics'} shows only the faults of the start`,
        { hint: 'leave one of them out' },
      )
    const capacity = Math.min(rules.length + CLIENT_RULES_MAX, RULES_MAX)
    this.scope = { capacity, reach: reach(control) }
    const { name: option } = controlledEngine(engine, engines, command)
    this.planned = { engines: withAll(planEngines(rules, engines, { option }).engines, option) }
    this.#seed = seed
    this.#engine = option as EngineName // never auto
    this.#includes = [
      ...(includeLoader ? ['loader' as const] : []),
      ...(includeSetuid ? ['setuid' as const] : []),
    ]
    this.#own = rules.length
  }

  serve(
    session: CommandSession,
    supervisor: Supervisor,
    injections: InjectionLog | undefined,
  ): void {
    this.#server = new ControlServer(supervisor, this.#own, {
      session,
      seed: this.#seed,
      reach: this.scope.reach,
      reachHint: (name) => `minderbinder exec --control=SET names the reach: --control=${name}`,
      engine: this.#engine,
      includes: this.#includes,
      onRules: (slots, rules, seeds) => injections?.addRules(slots, rules, seeds),
    })
  }

  /** One struct event. */
  injected(event: Buffer): void {
    this.#server?.injected(event)
  }

  /** Of the command line's rules, and a line on those of clients: there may be thousands. */
  ownResult(result: CommandResult): CommandResult {
    const own = this.#own
    const fired = result.counts.slice(own).reduce((sum, each) => sum + each.fired, 0n)
    const [clients, faults] = [this.#server?.clientCount ?? 0, result.rules.length - own]
    const note = `--control: ${counted(clients, 'client')} injected ${counted(faults, 'fault')}, which fired ${counted(fired, 'time')}`
    return {
      ...result,
      rules: result.rules.slice(0, own),
      counts: result.counts.slice(0, own),
      engines: result.engines.slice(0, own),
      notes: [...result.notes, clients === 0 ? '--control: no client injected a fault' : note],
    }
  }
}

/** @throws {MinderbinderError} which begins with the option */
function reach(set: string): ReadonlySet<string> {
  try {
    return reachOf(set, architecture)
  } catch (error) {
    throw error instanceof MinderbinderError ? prefixed('--control', error) : error
  }
}

/** Those that can get rules later are there although they have none yet, and seccomp and ptrace install their filter. */
function withAll(planned: ReadonlyMap<Engine, readonly number[]>, option: EngineOption) {
  return new Map(
    engines.flatMap((engine) => {
      const takesMore = engine.addedRules === 'always' || engine.name === option
      const indices = planned.get(engine) ?? (takesMore ? [] : undefined)
      return indices ? [[engine, indices] as const] : []
    }),
  )
}
