/** A supervisor of one command that this process starts itself, with no front: the library has one for each run. */
import type { Socket } from 'node:net'
import { execa, type Options } from 'execa'
import { MinderbinderError } from '../errors.ts'
import { launcherPath } from '../installation.ts'
import type { Channel } from './channel.ts'
import type { Stdio } from './stdio.ts'
import { Supervisor } from './supervisor.ts'

export interface SupervisedCommand {
  /** COMMAND and its arguments. */
  readonly argv: readonly [string, ...string[]]
  /** All of its environment. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Descriptors 0, 1 and 2. */
  readonly stdio: readonly [Stdio, Stdio, Stdio]
}

export interface StartedSupervisor {
  readonly supervisor: Supervisor
  /** Resolves when the process has ended, or goes on without us to serve what the command has left behind. */
  readonly gone: Promise<void>
}

/** SUPERVISOR_NAME, SUPERVISOR_ORDERS and SUPERVISOR_EVENTS of src/launcher/supervisor/supervise.h */
const NAME = 'minderbinder-supervisor'
const ORDERS = 3
const EVENTS = 4

/**
 * The launcher is executed as COMMAND is to be: its arguments, environment, directory and descriptors are then the
 * child's, and no frame has to carry them.
 *
 * @throws {MinderbinderError} MB_LAUNCHER
 */
export async function startSupervisor(command: SupervisedCommand): Promise<StartedSupervisor> {
  const options = {
    argv0: NAME,
    env: command.env as Record<string, string>, // one that is undefined is left out
    extendEnv: false,
    cwd: command.cwd,
    stdio: [...command.stdio, 'pipe', 'pipe'] as Options['stdio'], // its types lack descriptors' numbers
    buffer: false,
    reject: false,
    // It ends by itself when this process does, and takes its command with it.
    cleanup: false,
  } satisfies Options
  const started = execa(launcherPath(), [...command.argv], options)
  if (started.pid === undefined) {
    const { originalMessage } = (await started) as { originalMessage?: string }
    throw new MinderbinderError('MB_LAUNCHER', `cannot start its supervisor: ${originalMessage}`)
  }
  const sockets = [ORDERS, EVENTS].map((fd) => started.stdio[fd] as unknown as Socket)
  const [orders, events] = sockets.map(socketChannel) as [Channel, Channel]
  const supervisor = new Supervisor(orders, events)
  const gone = supervisor.gone.then(() => {
    for (const socket of sockets) socket.destroy()
    started.unref()
  })
  return { supervisor, gone }
}

/** Node makes 'pipe' a socket pair: both ways. */
function socketChannel(socket: Socket): Channel {
  socket.on('error', () => {}) // 'close' follows
  return {
    read(onBytes, onEnd) {
      socket.on('data', onBytes)
      socket.on('close', onEnd)
    },
    write(bytes) {
      socket.write(bytes)
    },
  }
}
