/** What reasons and hints are made of: the rules of a run and what has become of them, by index. */
import type { Rule, RuleCounts } from '../rules/rule.ts'
import { shadowedBy } from '../rules/shadow.ts'

export interface RunSoFar {
  readonly rules: readonly Rule[]
  readonly counts: readonly RuleCounts[]
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

function keyOf({ targets }: Rule): string {
  return JSON.stringify(targets)
}

/** Once for all looks at a run, whose rules stay the same. */
const shadowsOf = new WeakMap<readonly Rule[], Map<number, Rule | undefined>>()

/** The earlier rule because of which this one can never fire; undefined if there is none. */
export function shadowOf({ rules }: RunSoFar, index: number): Rule | undefined {
  const known = shadowsOf.get(rules) ?? new Map<number, Rule | undefined>()
  shadowsOf.set(rules, known)
  if (!known.has(index)) {
    const earlier = shadowedBy(rules, index)
    known.set(index, earlier === undefined ? undefined : rules[earlier])
  }
  return known.get(index)
}
