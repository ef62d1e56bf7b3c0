/** Why the child did not start, in the user's terms. */
import { getSystemErrorName } from 'node:util'
import { MinderbinderError } from '../errors.ts'
import { errnos } from '../rules/names/errnos.ts'
import { printable } from '../rules/span.ts'
import { type CommandSearch, missingInterpreter } from './interpreter.ts'
import type { StageError } from './supervisor.ts'

const EBUSY = 16
const EINVAL = 22
const ENOENT = 2
const ENOSYS = 38

/** `EACCES (Permission denied)` */
export function errnoText(errno: number): string {
  const known = errnos.find(({ number }) => number === errno)
  return known ? `${known.name} (${known.description})` : getSystemErrorName(-errno)
}

export function stageFailure({ step, errno }: StageError, command: string): MinderbinderError {
  if (step === 'seccomp') return seccompFailure(errno)
  if (step === 'user')
    return new MinderbinderError(
      'MB_NO_PERMISSION',
      `cannot become the user of --user: ${errnoText(errno)}`,
      { hint: 'only root can run a command as somebody else' },
    )
  if (step === 'cgroup')
    return new MinderbinderError(
      'MB_CGROUP',
      `cannot start ${command} in its cgroup: ${errnoText(errno)}`,
    )
  return new MinderbinderError(
    'MB_LAUNCHER',
    `cannot start ${command}: ${step}: ${errnoText(errno)}`,
  )
}

function seccompFailure(errno: number): MinderbinderError {
  if (errno === EBUSY)
    return new MinderbinderError(
      'MB_SECCOMP',
      'this process is already watched by a seccomp listener, and the kernel allows one',
      { hint: 'system call faults do not nest: put all faults into the outer minderbinder' },
    )
  if (errno === EINVAL || errno === ENOSYS)
    return new MinderbinderError(
      'MB_SECCOMP',
      `the kernel refuses a seccomp listener: ${errnoText(errno)}`,
      { hint: 'it needs Linux 5.9 with CONFIG_SECCOMP_FILTER' },
    )
  return new MinderbinderError(
    'MB_SECCOMP',
    `the kernel refuses a seccomp listener: ${errnoText(errno)}`,
  )
}

/**
 * @param errno of execve(2): ENOENT is 127, everything else 126, as env has it
 * @param search left out: the command has this process's PATH and directory
 */
export function execFailure(
  command: string,
  errno: number,
  search: CommandSearch = { path: process.env.PATH, cwd: process.cwd() },
): MinderbinderError {
  if (errno !== ENOENT)
    return new MinderbinderError(
      'MB_EXEC_FAILED',
      `${command}: cannot be executed: ${errnoText(errno)}`,
    )
  const missing = missingInterpreter(command, search)
  if (!missing) return new MinderbinderError('MB_EXEC_NOT_FOUND', `${command}: command not found`)
  return new MinderbinderError(
    'MB_EXEC_NOT_FOUND',
    `${command}: cannot be executed: its interpreter, '${printable(missing)}', was not found`,
    {
      ...(missing.endsWith('\r') && {
        hint: 'its lines end as on Windows: sed -i "s/\\r$//" removes that',
      }),
    },
  )
}
