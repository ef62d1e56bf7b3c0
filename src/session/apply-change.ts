/** One change of a session's rules: all engines do their parts, or none does. */
import type { AttachedEngine, Engine, EngineName } from '../engines/engine.ts'
import type { Rule } from '../rules/rule.ts'
import type { RuleTable } from '../rules/rule-table.ts'
import { type CommandChange, planChange } from './change.ts'
import { failureOf, PreparedChanges } from './prepared-changes.ts'
import type { Changed } from './session.ts'

interface Changeable {
  readonly rules: RuleTable
  /** Which engine does each rule, by slot: those of new rules are added. */
  readonly names: EngineName[]
  readonly attached: ReadonlyMap<Engine, AttachedEngine>
}

/**
 * @param hint what to do about a rule that no engine can do
 * @throws {MinderbinderError} everything is as it was
 */
export async function applyChange(
  change: CommandChange,
  { rules, names, attached }: Changeable,
  hint: (rule: Rule) => string | undefined,
): Promise<Changed> {
  const plan = planChange(change, rules, names, attached, hint)
  if (plan.changes.length === 0) return { slots: [] }
  const changes = await PreparedChanges.of(
    plan.changes.map((each) => () => each.engine.prepare(each)),
  )
  const failure = failureOf(await changes.commit())
  names.push(...plan.names)
  return { slots: rules.change(change.add, plan.removed), failure }
}
