/**
 * Which connection injects which faults of a block. As root there may be two: system calls that `serve` cannot fault are left
 * to the filter of this process. All of a block's system call faults are at one place, since the first that fires wins.
 */
import type { Injected } from '../control/messages.ts'
import { MinderbinderError } from '../errors.ts'
import type { Fault } from '../library/faults.ts'
import type { Connection } from './connection.ts'
import { isRoot, ownServe, serveRefusal } from './own-serve.ts'
import { joinSocket } from './socket-connection.ts'
import { givenSocket } from './ways.ts'

interface Request {
  readonly faults: Fault | readonly Fault[]
  readonly scope: string
  readonly tid?: number
}

/** Rules of one block that one connection has in force. */
export interface Part {
  readonly connection: Connection
  /** By their places in the block. */
  readonly rules: ReadonlyMap<number, number>
  /** Others may go on with the connection. After the rules were lifted. */
  leave(): Promise<void>
}

/** All of them are in force, or none. @param reach of a filter of this process @throws {MinderbinderError} */
export async function inject(
  request: Request,
  reach: string | undefined,
): Promise<readonly Part[]> {
  if (givenSocket() !== undefined || !isRoot()) return [await bySocket(request, reach)]
  const serve = await ownServe().catch(whyNoServe)
  if (serve instanceof MinderbinderError) return [await byFilter(request, reach, serve)]
  // Without such an engine it can fault no system call.
  const all = serve.hello.engine && (await ask(serve, request).catch(refusal))
  if (all && !(all instanceof MinderbinderError)) return [all]
  const network = await ask(serve, { ...request, only: 'network' }).catch(refusal)
  if (network instanceof MinderbinderError) return [await byFilter(request, reach, network)]
  if (network.left === 0) return [network]
  if (network.rules.size === 0) return [await byFilter(request, reach, all)]
  try {
    return [network, await byFilter({ ...request, only: 'syscall' }, reach, all)]
  } catch (error) {
    await lift(network).catch(() => {}) // the caller must hear why there is no block
    throw error
  }
}

/** They hit nothing from here on; with what they have done. */
export async function lift({ connection, rules, leave }: Part) {
  try {
    return (await connection.ask<'lifted'>({ type: 'lift', rules: [...rules.values()] })).rules
  } finally {
    await leave()
  }
}

type PartOfRequest = Request & { readonly only?: 'network' | 'syscall' }

/** @param why serve does not do it, if it was asked */
async function byFilter(
  request: PartOfRequest,
  reach: string | undefined,
  why: MinderbinderError | undefined,
): Promise<Part> {
  try {
    return await bySocket(request, reach)
  } catch (error) {
    const own = refusal(error)
    if (!why) throw own
    const message = `${own.message}; minderbinder serve cannot do it either: ${why.message}`
    throw new MinderbinderError(own.code, message, own.hint === undefined ? {} : { hint: own.hint })
  }
}

async function bySocket(request: PartOfRequest, reach: string | undefined): Promise<Part> {
  const shared = await joinSocket(reach)
  const leave = () => shared.leave()
  try {
    return { ...(await ask(shared.value, request)), leave }
  } catch (error) {
    await leave()
    throw error
  }
}

/** The connection stays when it is left. */
async function ask(
  connection: Connection,
  request: PartOfRequest,
): Promise<Part & { readonly left: number }> {
  const {
    rules,
    places,
    left = 0,
  }: Injected = await connection.ask<'injected'>({
    type: 'inject',
    ...request,
  })
  return {
    connection,
    rules: new Map(rules.map(({ rule }, at) => [places?.[at] ?? at, rule])),
    leave: async () => {},
    left,
  }
}

/** Another way may do what this one cannot. @throws any other error */
function refusal(error: unknown): MinderbinderError {
  if (error instanceof MinderbinderError && error.code === 'MB_NO_ENGINE') return error
  throw error
}

/** The filter of this process would be for good, so it is none for a serve that was killed: the next block starts another. */
function whyNoServe(error: unknown): MinderbinderError {
  const refusal = serveRefusal()
  if (!refusal) throw error
  return refusal
}
