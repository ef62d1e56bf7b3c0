/** `doctor --json`: the shape that docs/doctor.md documents. Pure. */
import type { Group, Result } from './check.ts'
import type { Facts } from './facts.ts'
import type { Report } from './report.ts'
import type { Verdict } from './verdict.ts'

/** Grows only where the meaning of what is there changes; new keys come without. */
const FORMAT = 1

export interface DoctorJson {
  readonly format: typeof FORMAT
  readonly faults: readonly {
    readonly id: Verdict['id']
    readonly works: Result
    readonly engines: readonly string[]
    readonly reason: string | null
  }[]
  readonly checks: readonly {
    readonly id: string
    readonly group: Group
    readonly title: string
    readonly result: Result
    readonly detail: string
    /** Both are null but where the result is no. */
    readonly cost: string | null
    readonly remedy: string | null
  }[]
  readonly facts: Facts
}

export function toJson({ verdicts, checks, facts }: Report): DoctorJson {
  return {
    format: FORMAT,
    faults: verdicts.map(({ id, result, engines, reason }) => ({
      ...{ id, works: result, engines },
      reason: reason ?? null,
    })),
    checks: checks.map(({ question, result, detail, remedy }) => ({
      id: question.id,
      group: question.group,
      title: question.title,
      ...{ result, detail },
      cost: result === 'no' ? question.cost : null,
      remedy: result === 'no' ? (remedy ?? question.remedy) : null,
    })),
    facts,
  }
}
