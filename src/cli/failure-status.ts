/** The exit status of a command that failed, by the code of its error. */
import { type ErrorCode, exitStatus } from '../errors.ts'

/** Of every command but exec: it could not do what it was asked, and: it was called wrongly. */
const failed = 1
export const usageStatus = 2

const callErrors: ReadonlySet<ErrorCode> = new Set([
  'MB_USAGE',
  'MB_CONFIG',
  'MB_FAULT_SYNTAX',
  'MB_FAULT_VALUE',
  'MB_UNKNOWN_NAME',
  'MB_NOT_FAULTABLE',
])

export function execFailureStatus(code: ErrorCode): number {
  if (code === 'MB_EXEC_NOT_FOUND') return exitStatus.notFound
  if (code === 'MB_EXEC_FAILED') return exitStatus.cannotExecute
  return exitStatus.failed
}

/** Of every command but exec. */
export function failureStatus(code: ErrorCode): number {
  return callErrors.has(code) ? usageStatus : failed
}
