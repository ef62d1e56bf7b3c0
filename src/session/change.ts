/** Which engines a change of a command's rules concerns. Pure. */
import type { AttachedEngine, Engine, EngineName, RuleChange } from '../engines/engine.ts'
import { MinderbinderError } from '../errors.ts'
import type { Caller } from '../launch/change-frame.ts'
import { seedsInSlots } from '../rules/draw.ts'
import type { Rule, Slot } from '../rules/rule.ts'
import type { RuleTable } from '../rules/rule-table.ts'
import type { Change } from './session.ts'

export interface CommandChange extends Change {
  /** The process that the added rules are for. Without it: every process. */
  readonly caller?: Caller | undefined
}

/** The part of one engine. */
export interface EngineChange extends RuleChange {
  readonly engine: AttachedEngine
}

export interface ChangePlan {
  /** Of those engines for which something changes. */
  readonly changes: readonly EngineChange[]
  /** Which engine does each rule that is added. */
  readonly names: readonly EngineName[]
  /** Slots that are removed. */
  readonly removed: readonly Slot[]
}

/**
 * @param names which engine does each rule, by slot
 * @param hint what to do about a rule that no engine can do
 * @throws {MinderbinderError} MB_NO_ENGINE, MB_FAULT_VALUE
 */
export function planChange(
  { add, remove, caller }: CommandChange,
  rules: RuleTable,
  names: readonly EngineName[],
  attached: ReadonlyMap<Engine, AttachedEngine>,
  hint: (rule: Rule) => string | undefined,
): ChangePlan {
  const removed = remove === 'all' ? rules.liveSlots : checked(remove, rules)
  const chosen = add.map((rule) => firstThatCan(rule, caller, attached, hint))
  const slots = rules.next(add.length)
  const seeds = caller?.draws && seedsInSlots(slots, caller.draws)
  const changes = [...attached].map(([engine, own]) => ({
    engine: own,
    add: new Map(slots.flatMap((slot, at) => (chosen[at] === engine ? [[slot, add[at]!]] : []))),
    remove: removed.filter((slot) => names[slot] === engine.name),
    caller,
    seeds,
  }))
  return {
    changes: changes.filter(({ add, remove }) => add.size + remove.length > 0),
    names: chosen.map(({ name }) => name),
    removed,
  }
}

function checked(remove: readonly Slot[], rules: RuleTable): readonly Slot[] {
  for (const [at, slot] of remove.entries()) {
    const why = whyStays(slot, remove.indexOf(slot) < at, rules)
    if (why !== undefined)
      throw new MinderbinderError('MB_FAULT_VALUE', `rule ${slot} cannot be removed: ${why}`)
  }
  return remove
}

function whyStays(slot: Slot, isRepeated: boolean, rules: RuleTable): string | undefined {
  if (!rules.isLive(slot)) return 'it is not in force'
  return isRepeated ? 'it was removed already' : undefined
}

function firstThatCan(
  rule: Rule,
  caller: Caller | undefined,
  attached: ReadonlyMap<Engine, AttachedEngine>,
  hint: (rule: Rule) => string | undefined,
): Engine {
  const refusals: string[] = []
  for (const [engine, own] of attached) {
    const refusal = engine.refusal(rule) ?? own.refusal(rule, caller)
    if (refusal === undefined) return engine
    refusals.push(`${engine.name}: ${refusal}`)
  }
  const why = refusals.join('; ') || 'the command was started without any'
  const what = hint(rule)
  throw new MinderbinderError(
    'MB_NO_ENGINE',
    `no engine can do ${rule.source} now: ${why}`,
    what === undefined ? {} : { hint: what },
  )
}
