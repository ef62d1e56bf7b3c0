/** What reasons and hints are made of: the rules of a run and what has become of them, by index. */
import type { Rule, RuleCounts } from '../rules/rule.ts'
import type { Life } from '../rules/rule-table.ts'
import { shadowedBy } from '../rules/shadow.ts'

export interface RunSoFar {
  readonly rules: readonly Rule[]
  /** When each was in force; absent: all of them, all the time. */
  readonly lives?: readonly Life[]
  readonly counts: readonly RuleCounts[]
  /** Which engine does each rule, by name. */
  readonly engines?: readonly string[]
  /** Of rules with path=: paths that came near and did not match. */
  readonly nearPaths?: ReadonlyMap<number, readonly string[]>
}

/** Whether a process ran that the rule is for, as far as anything tells. */
export function targetsRan(run: RunSoFar, index: number): boolean {
  return metTargets(run).has(keyOf(run.rules[index]!))
}

/** Once for each look at a run: there may be thousands of rules. */
const metOf = new WeakMap<RunSoFar, ReadonlySet<string>>()

/** The targets of rules that have met a call or a packet: then one of them has run. */
function metTargets(run: RunSoFar): ReadonlySet<string> {
  let met = metOf.get(run)
  if (met === undefined) {
    met = new Set(
      run.rules
        .filter((rule, at) => rule.targets && run.counts[at]!.seen + run.counts[at]!.taken > 0n)
        .map(keyOf),
    )
    metOf.set(run, met)
  }
  return met
}

/** Was the rule `one` in force at some time together with `other`? */
export function metInForce({ lives }: RunSoFar, one: number, other: number): boolean {
  const [a, b] = [lives?.[one], lives?.[other]]
  return !a || !b || (a.from < b.to && b.from < a.to)
}

/** Was it in force whenever `other` was? */
function outlives(lives: RunSoFar['lives'], one: number, other: number): boolean {
  const [a, b] = [lives?.[one], lives?.[other]]
  return !a || !b || (a.from <= b.from && a.to >= b.to)
}

function keyOf({ targets }: Rule): string {
  return JSON.stringify(targets)
}

/** Once for all looks at a run while its rules stay the same. */
const shadowsOf = new WeakMap<object, Map<number, Rule | undefined>>()

/** The earlier rule because of which this one can never fire; undefined if there is none. */
export function shadowOf({ rules, lives }: RunSoFar, index: number): Rule | undefined {
  const known = shadowsOf.get(lives ?? rules) ?? new Map<number, Rule | undefined>()
  shadowsOf.set(lives ?? rules, known)
  if (!known.has(index)) {
    const earlier = shadowedBy(rules, index, (at) => outlives(lives, at, index))
    known.set(index, earlier === undefined ? undefined : rules[earlier])
  }
  return known.get(index)
}
