/** A server of the control socket that knows nothing but the transcript: for the tests of clients. */
import { chmodSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { scratch } from './scratch.ts'
import { type Conversation, readTranscript } from './transcript.ts'

export interface FakeControl {
  /** For MINDERBINDER_CONTROL. */
  readonly path: string
  /** What clients have said that the transcript has otherwise, or have not said. */
  problems(): readonly string[]
}

/** Serves until the test ends: the first conversation to the first client that connects, and so on. */
export async function fakeControl(t: TestContext): Promise<FakeControl> {
  const path = join(scratch(t), 'socket')
  const problems: string[] = []
  const waiting = [...readTranscript()]
  const server = createServer((socket) => {
    const next = waiting.shift()
    if (next) void converse(socket, next, problems)
    else problems.push('more clients connect than the transcript has')
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  chmodSync(path, 0o666)
  t.after(() => server.close())
  return { path, problems: () => [...problems, ...waiting.map(({ name }) => `${name}: not held`)] }
}

async function converse(socket: Socket, { name, steps }: Conversation, problems: string[]) {
  socket.on('error', () => {}) // of a client that ends first
  const said = createInterface({ input: socket })[Symbol.asyncIterator]()
  for (const [at, step] of steps.entries()) {
    if (!('client' in step)) continue
    const { value } = await said.next()
    const { id = null, ...request } = JSON.parse(value ?? '{}')
    const isSame = isDeepStrictEqual(anyThread(request), step.client)
    if (!isSame) problems.push(`${name}: ${value} was said, not ${JSON.stringify(step.client)}`)
    const answer = steps[at + 1]
    if (!isSame || !answer || !('server' in answer)) return socket.destroy()
    socket.write(`${JSON.stringify({ ...answer.server, id })}\n`)
  }
  if (!(await said.next()).done) problems.push(`${name}: more was said`)
  return socket.end()
}

function anyThread(request: { readonly tid?: number }): object {
  return request.tid === undefined ? request : { ...request, tid: 0 }
}
