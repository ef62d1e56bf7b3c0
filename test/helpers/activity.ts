/** Activities to show, of which a test says only what it is about. */
import type { Activity, RuleActivity } from '../../src/report/activity.ts'
import { noCounts } from '../../src/rules/rule.ts'

export function activity(some: Partial<Activity> = {}): Activity {
  return {
    atMs: 0,
    rules: [],
    targets: [],
    targetCount: some.targets?.length ?? 0,
    calls: undefined,
    injections: [],
    lostEvents: 0n,
    ...some,
  }
}

export function ruleActivity(
  label: string,
  seen: number,
  fired: number,
  engine = 'seccomp',
): RuleActivity {
  return {
    label,
    what: `${label} fails`,
    engine,
    silence: fired > 0 ? [] : ['so far nothing'],
    counts: { ...noCounts, seen: BigInt(seen), matched: BigInt(seen), fired: BigInt(fired) },
  }
}
