/** `minderbinder serve`: lets processes that nobody started for it change their faults, until a signal ends it. */
import { LocalClients } from '../../control/local-clients.ts'
import type { EngineName } from '../../engines/engine.ts'
import { notifyManager } from '../../kernel/process/notify.ts'
import { oneLine } from '../../report/printable.ts'
import { UndoStack } from '../../undo.ts'
import { writeStdout } from '../standard-streams.ts'
import { lookUpGroup } from './group.ts'
import { parseServe, type ServeOptions } from './options.ts'
import { callEngines, Ending, mustSeeTheMachine, openSession, serve } from './serving.ts'
import { serveParent } from './stdio.ts'

/** How long what clients have used stays attached after the last of them: the next one need not wait for it. */
const REST_AFTER_MS = 10_000

/** @throws {MinderbinderError} @throws {HelpRequest} */
export async function serveCommand(args: readonly string[]) {
  const options = parseServe(args)
  return options.stdio ? serveParent(options) : serveSocket(options)
}

async function serveSocket(options: ServeOptions): Promise<string> {
  mustSeeTheMachine()
  const group = options.group === undefined ? undefined : await lookUpGroup(options.group)
  const ending = new Ending()
  const undo = new UndoStack()
  try {
    const missing = await open(options, group, undo)
    if (!options.quiet) writeStdout(readyLine(options, missing))
    await notifyManager('READY=1')
    await ending.come()
  } finally {
    await undo.run()
    ending.close()
  }
  return ''
}

/** Serves from here on. @returns why which engines do not work here */
async function open(
  options: ServeOptions,
  group: number | undefined,
  undo: UndoStack,
): Promise<ReadonlyMap<EngineName, string>> {
  const session = await openSession(options, options.socket, undo)
  const { missing } = session
  const clients = await LocalClients.listen(options.socket, group)
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
  serve(clients, session, options)
  return missing
}

function readyLine({ socket, seed }: ServeOptions, missing: ReadonlyMap<EngineName, string>) {
  const what = callEngines(missing).length > 0 ? 'system calls and network' : 'network faults only'
  return `minderbinder: serving at ${oneLine(socket)}, ${what}, seed ${seed}\n`
}
