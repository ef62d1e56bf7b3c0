/** The connection to a control socket: one for all blocks that are open in this thread, so that none is in another's way. */
import { Shared } from '../shared.ts'
import { Connection } from './connection.ts'
import { startOwnFilter } from './own-filter.ts'
import { givenSocket } from './ways.ts'

let shared: Promise<Shared<Connection>> | undefined

/**
 * To the socket that the tests were given, or else to that of this process's own filter, which it installs.
 *
 * @param reach of the filter, if it is not there yet
 * @throws {MinderbinderError}
 */
export async function joinSocket(reach: string | undefined): Promise<Shared<Connection>> {
  while (shared) {
    const opening = shared
    const connection = await opening
    // Meanwhile it may have been closed.
    if (shared === opening) return connection.join()
  }
  const opening = open(reach)
  shared = opening
  try {
    return await opening
  } catch (error) {
    shared = undefined
    throw error
  }
}

async function open(reach: string | undefined): Promise<Shared<Connection>> {
  const connection = await connect(reach)
  return new Shared(connection, () => {
    shared = undefined
    connection.close()
  })
}

async function connect(reach: string | undefined): Promise<Connection> {
  const given = givenSocket()
  if (given !== undefined)
    return Connection.open(
      given,
      'the minderbinder exec --control or serve that made the socket has ended or was killed',
    )
  return Connection.open(
    await startOwnFilter(reach ?? ''),
    'the supervisor of this process was killed: its calls go on without faults, and there can be no other',
  )
}
