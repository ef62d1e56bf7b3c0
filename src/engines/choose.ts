/** Which engine does which rule. */
import { MinderbinderError } from '../errors.ts'
import type { Rule } from '../rules/rule.ts'
import type { Engine, EngineName } from './engine.ts'

/** What `--engine` takes: the engine for system call rules. */
export const engineOptions = ['auto', 'override', 'hook', 'seccomp', 'ptrace'] as const
export type EngineOption = (typeof engineOptions)[number]

export type Choice =
  /** `since`: why not by an engine before it that could do the rule. */
  { readonly engine: Engine; readonly since?: string } | { readonly refusal: string }

/** What the user asks for. */
export interface Wish {
  readonly option: EngineOption
  /** The command's program, as the user wrote it; undefined if there is none. */
  readonly command?: string | undefined
}

/**
 * For each rule the first of `engines` that can do it, or why none can. Rules that name the same system call
 * go to the same engine, since the first that fires wins over all of them, and engines meet a call at different
 * points.
 */
export function chooseEngines(
  rules: readonly Rule[],
  engines: readonly Engine[],
  wish: Wish,
): readonly Choice[] {
  const choices: Choice[] = []
  const taken = new Map<Engine, Rule[]>()
  for (const group of groupsOf(rules)) {
    const members = group.map((index) => rules[index]!)
    const choice = firstThatCan(members, taken, engines, wish)
    for (const index of group) choices[index] = choice
    if ('engine' in choice)
      taken.set(choice.engine, [...(taken.get(choice.engine) ?? []), ...members])
  }
  return choices
}

/** @param taken the rules that the engines have already: what they can do has limits */
function firstThatCan(
  rules: readonly Rule[],
  taken: ReadonlyMap<Engine, readonly Rule[]>,
  engines: readonly Engine[],
  { option, command }: Wish,
): Choice {
  const refusals: string[] = []
  let left: { readonly engine: Engine; readonly why: string } | undefined
  for (const engine of engines) {
    const forced = rules[0]?.kind === 'syscall' && option !== 'auto'
    if ((forced || engine.onlyByName) && engine.name !== option) continue
    if (excludes(option, engine)) continue
    const refusal =
      rules.map((rule) => engine.refusal(rule)).find((why) => why !== undefined) ??
      engine.refusalHere?.([...(taken.get(engine) ?? []), ...rules])
    const why = option === 'auto' && !refusal ? engine.leaves?.(command) : undefined
    if (why !== undefined) left ??= { engine, why }
    else if (refusal === undefined) return left ? { engine, since: left.why } : { engine }
    else refusals.push(`${engine.name}: ${refusal}`)
  }
  // It may work after all, and nothing else does.
  if (left) return { engine: left.engine }
  return { refusal: refusals.join('; ') || `this version has no ${option} engine` }
}

const supervised: readonly string[] = ['ptrace', 'seccomp'] satisfies EngineName[]

/** The supervisor does everything in a run, refused connections included, in the one way that the user asked for. */
function excludes(option: EngineOption, { name }: Engine): boolean {
  return supervised.includes(option) && supervised.includes(name) && name !== option
}

interface Group {
  readonly indices: number[]
  readonly calls: Set<string>
}

/** Rule indices, in groups that have no system call in common: network rules each by itself. */
function groupsOf(rules: readonly Rule[]): readonly (readonly number[])[] {
  // In the order of their last rules.
  const groups = new Set<Group>()
  const groupOf = new Map<string, Group>()
  for (const [index, rule] of rules.entries()) {
    const calls = rule.kind === 'syscall' ? rule.syscalls : []
    const [group = { indices: [], calls: new Set<string>() }, ...others] = new Set(
      calls.flatMap((name) => groupOf.get(name) ?? []),
    )
    const joining = [...others, { indices: [index], calls }]
    for (const { indices, calls } of joining) {
      group.indices.push(...indices)
      for (const name of calls) {
        group.calls.add(name)
        groupOf.set(name, group)
      }
    }
    for (const gone of [group, ...others]) groups.delete(gone)
    groups.add(group)
  }
  return [...groups].map(({ indices }) => indices.sort((a, b) => a - b))
}

/** Rule indices by engine, the preferred engine first. @throws {MinderbinderError} MB_NO_ENGINE */
export function assignEngines(
  rules: readonly Rule[],
  engines: readonly Engine[],
  wish: Wish,
): Map<Engine, number[]> {
  const chosen = chooseEngines(rules, engines, wish).map((choice, index) => {
    const { source } = rules[index]!
    if ('refusal' in choice)
      throw new MinderbinderError('MB_NO_ENGINE', `no engine can do ${source}: ${choice.refusal}`)
    return choice.engine
  })
  return indicesByEngine(chosen, engines)
}

/**
 * The same, where it is settled already which one each rule has.
 *
 * @param engines their order, the preferred first
 */
export function indicesByEngine(
  chosen: readonly Engine[],
  engines: readonly Engine[],
): Map<Engine, number[]> {
  const assigned = engines.map((engine): [Engine, number[]] => [
    engine,
    chosen.flatMap((each, index) => (each === engine ? [index] : [])),
  ])
  return new Map(assigned.filter(([, indices]) => indices.length > 0))
}

/**
 * The engine that takes over the rules of one that was chosen and does not attach, all of them: they may share
 * calls. Always one that `engines` has after it; undefined if there is none, or the user named the engine.
 */
export function engineInstead(
  failed: Engine,
  rules: readonly Rule[],
  engines: readonly Engine[],
  { option, command }: Wish,
): Engine | undefined {
  if (option !== 'auto') return undefined
  return engines
    .slice(engines.indexOf(failed) + 1)
    .find(
      (engine) =>
        !engine.onlyByName &&
        engine.leaves?.(command) === undefined &&
        rules.every((rule) => engine.refusal(rule) === undefined) &&
        engine.refusalHere?.(rules) === undefined,
    )
}

/**
 * The engines in the plan of a command: which does which rules, and which takes over from one that does not attach.
 *
 * @throws {MinderbinderError} MB_NO_ENGINE
 */
export function planEngines(rules: readonly Rule[], engines: readonly Engine[], wish: Wish) {
  return {
    engines: assignEngines(rules, engines, wish),
    engineInstead(failed: Engine, indices: readonly number[]) {
      const given = indices.map((index) => rules[index]!)
      return engineInstead(failed, given, engines, wish)
    },
  }
}

/** Of each rule, by index. */
export function engineNames(assigned: ReadonlyMap<Engine, readonly number[]>): EngineName[] {
  const names: EngineName[] = []
  for (const [engine, indices] of assigned) for (const index of indices) names[index] = engine.name
  return names
}
