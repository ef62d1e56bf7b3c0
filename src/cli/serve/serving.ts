/** What serves clients, whichever way they come: the session, and what answers them. */
import { reachOf } from '../../control/reach.ts'
import { ControlServer } from '../../control/server.ts'
import type { EngineName } from '../../engines/engine.ts'
import { MinderbinderError } from '../../errors.ts'
import { architecture } from '../../kernel/architecture.ts'
import { isInFirstNamespace } from '../../kernel/process/namespaces.ts'
import type { CallerIdentity } from '../../launch/change-frame.ts'
import type { Supervisor } from '../../launch/supervisor.ts'
import { oneLine } from '../../report/printable.ts'
import { ServedSession } from '../../session/served-session.ts'
import type { UndoStack } from '../../undo.ts'
import { terminalsOfNow } from '../run/hung-up.ts'
import { RunSignals } from '../run/signals.ts'
import { writeStderr } from '../standard-streams.ts'
import type { ServeOptions } from './options.ts'

/** Threads have neither sockets nor targets of their own. */
const scopes = ['tree', 'process', 'children'] as const

/** What accepts clients, and passes their bytes on. */
type Clients = Pick<Supervisor, 'onClients' | 'sendToClient' | 'offerToClient' | 'forgetClient'> & {
  identify(client: number): CallerIdentity
}

const reach = reachOf('%all', architecture)

/**
 * Closing it lifts everything.
 *
 * @param channel name of the socket at our end of a client's connection; empty: it has none
 * @throws {MinderbinderError}
 */
export async function openSession(
  { engine, seed, includeLoader }: ServeOptions,
  channel: string,
  undo: UndoStack,
): Promise<ServedSession> {
  const session = await ServedSession.open({
    ...{ seed, engine, includeLoader, reach, controlSocket: channel },
    onNotice: (text) => writeStderr(`minderbinder: ${oneLine(text)}\n`),
  })
  undo.push(() => session.close())
  return session
}

/** Clients are answered from here on. */
export function serve(
  clients: Clients,
  session: ServedSession,
  { seed, includeLoader }: ServeOptions,
): void {
  const [engine] = callEngines(session.missing)
  new ControlServer(clients, 0, {
    ...{ session, seed, reach, scopes, engine },
    includes: includeLoader ? ['loader'] : [],
    reachHint: () => 'minderbinder list syscalls has the names',
    identify: (client) => clients.identify(client),
  })
}

/** Those for system calls that work here, the preferred first. @param missing those that do not */
export function callEngines(missing: ReadonlyMap<EngineName, string>): readonly EngineName[] {
  return (['override', 'hook'] as const).filter((name) => !missing.has(name))
}

/** What ends serve, from the moment on at which it is made. */
export class Ending {
  readonly #terminalIsGone = terminalsOfNow()
  readonly #signals = new RunSignals()

  /** Resolves when a signal has ended it, or end(). A terminal that hangs up sends SIGHUP; there is nothing to read again. */
  async come(): Promise<void> {
    while ((await this.#signals.next()) === 'reload' && !this.#terminalIsGone());
  }

  end(): void {
    this.#signals.give('end')
  }

  close(): void {
    this.#signals.close()
  }
}

/** @throws {MinderbinderError} */
export function mustSeeTheMachine(): void {
  if (process.geteuid?.() !== 0)
    throw new MinderbinderError(
      'MB_NO_PERMISSION',
      'serve faults processes that it did not start: it needs root',
      {
        hint: 'try sudo minderbinder serve …; minderbinder exec --control -- COMMAND needs no root for system calls',
      },
    )
  if (!isInFirstNamespace('pid'))
    throw new MinderbinderError(
      'MB_NAMESPACE',
      'serve needs all process ids of the machine, and this pid namespace shows a part of them',
      {
        hint: 'run it on the machine itself, or in a container with the host’s namespaces (docker run --pid=host --cgroupns=host)',
      },
    )
}
