/** Everything that the doctor found. */
import type { Check } from './check.ts'
import type { Facts } from './facts.ts'
import type { Verdict } from './verdict.ts'

export interface Report {
  readonly verdicts: readonly Verdict[]
  readonly checks: readonly Check[]
  readonly facts: Facts
}
