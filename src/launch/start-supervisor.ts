/** A supervisor of one command that this process starts itself, with no front: the library has one for each run. */
import { readlinkSync, statSync } from 'node:fs'
import { constants } from 'node:os'
import { execa, type Options } from 'execa'
import { MinderbinderError } from '../errors.ts'
import { errnoText } from '../rules/names/errnos.ts'
import { quote } from '../rules/span.ts'
import { launcherPath } from './launcher-path.ts'
import { execFailure } from './start-errors.ts'
import type { Stdio } from './stdio.ts'
import { type StartedSupervisor, supervisorName, supervisorOf } from './supervisor-process.ts'

export interface SupervisedCommand {
  /** COMMAND and its arguments. */
  readonly argv: readonly [string, ...string[]]
  /** All of its environment. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Descriptors 0, 1 and 2. */
  readonly stdio: readonly [Stdio, Stdio, Stdio]
}

/**
 * The launcher is executed as COMMAND is to be: its arguments, environment, directory and descriptors are then the
 * child's, and no frame has to carry them.
 *
 * @throws {MinderbinderError} MB_USAGE, MB_EXEC_FAILED, MB_LAUNCHER
 */
export async function startSupervisor(
  command: SupervisedCommand,
  launcher = launcherPath(),
): Promise<StartedSupervisor> {
  check(command)
  const options = {
    argv0: supervisorName,
    env: command.env as Record<string, string>, // one that is undefined is left out
    extendEnv: false,
    cwd: command.cwd,
    stdio: [...command.stdio, 'pipe', 'pipe'] as Options['stdio'], // its types lack descriptors' numbers
    buffer: false,
    reject: false,
    // It ends by itself when this process does, and takes its command with it.
    cleanup: false,
  } satisfies Options
  const started = execa(launcher, [...command.argv], options)
  if (started.pid === undefined) throw startFailure(command, await started)
  return supervisorOf(started.stdio, () => started.unref())
}

/** What execve(2) takes, and what its caller can be told better than by its errno. */
function check({ argv, env, cwd }: SupervisedCommand): void {
  const texts = [...argv, ...Object.entries(env).flat()]
  if (texts.some((text) => text?.includes('\0')))
    throw new MinderbinderError('MB_USAGE', 'a NUL in the command or in its environment')
  const error = directoryError(cwd)
  if (error !== 0)
    throw new MinderbinderError(
      'MB_USAGE',
      `cannot run the command in ${quote(cwd)}: ${errnoText(error)}`,
    )
  // The supervisor finds the command's processes there.
  if (readlinkSync('/proc/self') !== `${process.pid}`)
    throw new MinderbinderError('MB_LAUNCHER', '/proc is that of another pid namespace', {
      hint: 'mount one for this namespace: mount -t proc proc /proc',
    })
}

/** The errno that keeps a command from being started there, or 0. */
function directoryError(path: string): number {
  try {
    return statSync(path).isDirectory() ? 0 : constants.errno.ENOTDIR
  } catch (error) {
    return -((error as NodeJS.ErrnoException).errno ?? -constants.errno.EIO)
  }
}

function startFailure(
  { argv }: SupervisedCommand,
  {
    code,
    originalMessage,
  }: { readonly code?: string | undefined; readonly originalMessage?: string | undefined },
): MinderbinderError {
  // The same list of arguments would have been the command's.
  if (code === 'E2BIG') return execFailure(argv[0], constants.errno.E2BIG)
  if (code === 'EBADF') return new MinderbinderError('MB_USAGE', 'stdio: no such descriptor')
  return new MinderbinderError('MB_LAUNCHER', `cannot start its supervisor: ${originalMessage}`)
}
