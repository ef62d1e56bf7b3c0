/** `minderbinder serve`: lets processes that nobody started for it change their faults, until a signal ends it. */
import { LocalClients } from '../../control/local-clients.ts'
import { reachOf } from '../../control/reach.ts'
import { ControlServer } from '../../control/server.ts'
import type { EngineName } from '../../engines/engine.ts'
import { MinderbinderError } from '../../errors.ts'
import { architecture } from '../../kernel/architecture.ts'
import { isInFirstNamespace } from '../../kernel/process/namespaces.ts'
import { notifyManager } from '../../kernel/process/notify.ts'
import { oneLine } from '../../report/printable.ts'
import { ServedSession } from '../../session/served-session.ts'
import { UndoStack } from '../../undo.ts'
import { terminalsOfNow } from '../run/hung-up.ts'
import { RunSignals } from '../run/signals.ts'
import { writeStderr, writeStdout } from '../standard-streams.ts'
import { lookUpGroup } from './group.ts'
import { parseServe, type ServeOptions } from './options.ts'

/** How long what clients have used stays attached after the last of them: the next one need not wait for it. */
const REST_AFTER_MS = 10_000

/** Threads have neither sockets nor targets of their own. */
const scopes = ['tree', 'process', 'children'] as const

/** @throws {MinderbinderError} @throws {HelpRequest} */
export async function serveCommand(args: readonly string[]): Promise<string> {
  const options = parseServe(args)
  mustSeeTheMachine()
  const group = options.group === undefined ? undefined : await lookUpGroup(options.group)
  const terminalIsGone = terminalsOfNow()
  const signals = new RunSignals()
  const undo = new UndoStack()
  try {
    const missing = await open(options, group, undo)
    if (!options.quiet) writeStdout(readyLine(options, missing))
    await notifyManager('READY=1')
    // A terminal that hangs up sends SIGHUP; there is nothing to read again.
    while ((await signals.next()) === 'reload' && !terminalIsGone());
  } finally {
    await undo.run()
    signals.close()
  }
  return ''
}

/** Serves from here on. @returns why which engines do not work here */
async function open(
  { socket, engine, seed, includeLoader }: ServeOptions,
  group: number | undefined,
  undo: UndoStack,
): Promise<ReadonlyMap<EngineName, string>> {
  const reach = reachOf('%all', architecture)
  const session = await ServedSession.open({
    ...{ seed, engine, includeLoader, reach, controlSocket: socket },
    onNotice: (text) => writeStderr(`minderbinder: ${oneLine(text)}\n`),
  })
  undo.push(() => session.close())
  const { missing } = session
  const clients = await LocalClients.listen(socket, group)
  let rest: NodeJS.Timeout | undefined
  undo.push(() => {
    clearTimeout(rest)
    return clients.close()
  })
  clients.onLeft(() => {
    clearTimeout(rest)
    // If it fails, clients hear of it when they inject.
    rest = setTimeout(() => session.rest().catch(() => {}), REST_AFTER_MS)
  })
  new ControlServer(clients, 0, {
    ...{ session, seed, reach, scopes },
    engine: (['override', 'hook'] as const).find((name) => !missing.has(name)),
    includes: includeLoader ? ['loader'] : [],
    reachHint: () => 'minderbinder list syscalls has the names',
    identify: (client) => clients.identify(client),
  })
  return missing
}

function readyLine({ socket, seed }: ServeOptions, missing: ReadonlyMap<EngineName, string>) {
  const calls = (['override', 'hook'] as const).filter((name) => !missing.has(name))
  const what = calls.length > 0 ? 'system calls and network' : 'network faults only'
  return `minderbinder: serving at ${oneLine(socket)}, ${what}, seed ${seed}\n`
}

function mustSeeTheMachine(): void {
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
