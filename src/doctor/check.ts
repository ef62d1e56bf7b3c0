/** One thing that was tried, and what came of it. */

export type Result = 'yes' | 'no' | 'unknown'

export const groups = {
  syscalls: 'System calls',
  cgroups: 'Cgroups',
  network: 'Network',
  tracing: 'Tracing',
  privileges: 'Privileges',
} as const

export type Group = keyof typeof groups

/** What is asked; `yes` is always the good answer. */
export interface Question {
  /** Stable within a major version: scripts look it up. */
  readonly id: string
  readonly group: Group
  readonly title: string
  /** What the user does without where the answer is no. */
  readonly cost: string
  /** What would change a no. */
  readonly remedy: string
}

export interface Check {
  readonly question: Question
  readonly result: Result
  /** What was seen, in one line. */
  readonly detail: string
  /** Of a no: a few words, for the first line of the report. */
  readonly reason?: string
  /** Of a no: better than the question's own. */
  readonly remedy?: string
}

export function yes(question: Question, detail: string): Check {
  return { question, result: 'yes', detail }
}

export function no(
  question: Question,
  detail: string,
  more: { readonly reason?: string; readonly remedy?: string | undefined } = {},
): Check {
  const { reason, remedy } = more
  return {
    question,
    result: 'no',
    detail,
    ...(reason !== undefined && { reason }),
    ...(remedy !== undefined && { remedy }),
  }
}

export function unknown(question: Question, detail: string): Check {
  return { question, result: 'unknown', detail }
}

/** A feature turned off to test a fallback is not the machine's fault, and the report says so. */
export function turnedOff(question: Question, feature: string): Check {
  return no(question, `${feature} is turned off by MINDERBINDER_NO_FEATURE`, {
    reason: `${feature} is turned off`,
    remedy: `take ${feature} out of MINDERBINDER_NO_FEATURE`,
  })
}
