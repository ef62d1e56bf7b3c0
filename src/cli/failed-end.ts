/** An error of a run as its report has it. */
import type { FailedEnd } from '../report/run-report.ts'
import { knownError } from './error-text.ts'

export function failedEnd(error: unknown): FailedEnd {
  const { code, message, hint } = knownError(error)
  return { kind: 'failed', error: { code, message, ...(hint === undefined ? {} : { hint }) } }
}
