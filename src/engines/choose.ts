/** Which engine does which rule. */
import { MinderbinderError } from '../errors.ts'
import type { Rule } from '../rules/rule.ts'
import type { Engine, EngineName } from './engine.ts'

/** What `--engine` takes: the engine for system call rules. */
export const engineOptions = ['auto', 'override', 'seccomp'] as const
export type EngineOption = (typeof engineOptions)[number]

/** The first of `engines` that can do the rule, or why none can. */
export function chooseEngine(
  rule: Rule,
  engines: readonly Engine[],
  option: EngineOption,
): { engine: Engine } | { refusal: string } {
  const refusals: string[] = []
  for (const engine of engines) {
    if (rule.kind === 'syscall' && option !== 'auto' && engine.name !== option) continue
    const refusal = engine.refusal(rule)
    if (refusal === undefined) return { engine }
    refusals.push(`${engine.name}: ${refusal}`)
  }
  return { refusal: refusals.join('; ') || `this version has no ${option} engine` }
}

/** Rule indices by engine, in the plan's order. @throws {MinderbinderError} MB_NO_ENGINE */
export function assignEngines(
  rules: readonly Rule[],
  engines: readonly Engine[],
  option: EngineOption,
): Map<Engine, number[]> {
  const assigned = new Map<Engine, number[]>()
  rules.forEach((rule, index) => {
    const choice = chooseEngine(rule, engines, option)
    if ('refusal' in choice)
      throw new MinderbinderError(
        'MB_NO_ENGINE',
        `no engine can do ${rule.source}: ${choice.refusal}`,
      )
    assigned.set(choice.engine, [...(assigned.get(choice.engine) ?? []), index])
  })
  return assigned
}

export function engineNames(assigned: ReadonlyMap<Engine, readonly number[]>): EngineName[] {
  const names: EngineName[] = []
  for (const [engine, indices] of assigned) for (const index of indices) names[index] = engine.name
  return names
}
