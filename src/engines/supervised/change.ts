/** What the supervisor cannot take on while the command runs. Pure. */
import { getSystemErrorName } from 'node:util'
import { MinderbinderError } from '../../errors.ts'
import { ChangeError } from '../../launch/supervisor.ts'
import { notByNotification } from '../../rules/outcomes/index.ts'
import type { Rule } from '../../rules/rule.ts'
import type { Scope } from '../engine.ts'
import type { SupervisedEngine } from './notes.ts'

/** @param after how many rules there would be @throws {MinderbinderError} MB_FAULT_VALUE */
export function checkRoom(after: number, scope: Scope | undefined): void {
  if (scope && after > scope.capacity)
    throw new MinderbinderError(
      'MB_FAULT_VALUE',
      `${after} rules would be in force (the limit is ${scope.capacity})`,
      { hint: 'remove others first, or in the same change' },
    )
}

/** Why this rule cannot be added. */
export function refusalNow(
  engine: SupervisedEngine,
  rule: Rule,
  scope: Scope | undefined,
): string | undefined {
  const never =
    engine === 'seccomp' && rule.kind === 'syscall' ? notByNotification(rule.outcome) : undefined
  if (never !== undefined) return never
  if (!scope) return 'the command was started with rules that do not change'
  // Connections are refused at connect(2).
  const calls = rule.kind === 'syscall' ? rule.syscalls : ['connect']
  const beyond = calls.find((name) => !scope.reach.has(name))
  if (beyond !== undefined)
    return `${beyond} is not among the system calls that the command was started to fault later`
  if (rule.targets) return 'it finds targets only for rules that the command was started with'
  return undefined
}

/** What the supervisor refused nevertheless. */
export function refusedChange(error: unknown): unknown {
  if (!(error instanceof ChangeError)) return error
  const why = getSystemErrorName(-error.errno)
  return new MinderbinderError('MB_LAUNCHER', `its supervisor process refused other rules: ${why}`)
}
