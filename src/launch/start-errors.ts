/** Why the child did not start, in the user's terms. */
import { MinderbinderError } from '../errors.ts'
import { errnoText } from '../rules/names/errnos.ts'
import { printable } from '../rules/span.ts'
import { type CommandSearch, missingInterpreter } from './interpreter.ts'
import type { StageError } from './supervisor.ts'

const EBUSY = 16
const EINVAL = 22
const ENOENT = 2
const ENOSYS = 38

export function stageFailure({ step, errno }: StageError, command: string): MinderbinderError {
  if (step === 'seccomp') return seccompFailure(errno)
  if (step === 'trace') return traceFailure(errno)
  if (step === 'user')
    return new MinderbinderError(
      'MB_NO_PERMISSION',
      `cannot become the user of --user: ${errnoText(errno)}`,
      { hint: 'only root can run a command as another user' },
    )
  if (step === 'cgroup')
    return new MinderbinderError(
      'MB_CGROUP',
      `cannot start ${command} in its cgroup: ${errnoText(errno)}`,
    )
  if (step === 'outer')
    return new MinderbinderError(
      'MB_CONTROL',
      `${command} cannot connect to the control socket of the minderbinder around it: ${errnoText(errno)}`,
    )
  if (step === 'control')
    return new MinderbinderError(
      'MB_CONTROL',
      `cannot open the control socket: ${errnoText(errno)}`,
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
      'this process is already watched by a seccomp listener, and the kernel allows only one',
      {
        hint:
          'start the outer minderbinder with exec --control: then this one uses its session; ' +
          'or put all faults into the outer one',
      },
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

function traceFailure(errno: number): MinderbinderError {
  return new MinderbinderError(
    'MB_PTRACE',
    `the kernel refuses to let ptrace trace the command: ${errnoText(errno)}`,
    {
      hint:
        '--engine seccomp does without; it is refused if something traces this process already (strace, a debugger, ' +
        'another minderbinder), by kernel.yama.ptrace_scope from 2 up, and in some containers',
    },
  )
}

/**
 * @param errno of execve(2): ENOENT is 127, everything else 126, as env has it
 * @param search absent: the command has this process's PATH and directory
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
