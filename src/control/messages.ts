/** The protocol of the control socket: one JSON object a line, both ways. docs/control.md is the contract. Pure. */
import type { EngineName } from '../engines/engine.ts'
import { MinderbinderError } from '../errors.ts'
import { type CallerScope, callerScopes, type Draws } from '../launch/change-frame.ts'
import type { Fault } from '../library/faults.ts'

export const PROTOCOL_VERSION = 1
/** Bytes of a line, its newline not counted. */
export const LINE_MAX = 1 << 20

/** What a client may send, by its `type`. */
export type Request =
  | { readonly type: 'hello'; readonly version: number }
  | {
      readonly type: 'inject'
      readonly faults: readonly Fault[]
      readonly scope: CallerScope
      readonly tid: number
      readonly draws: Draws | undefined
      readonly events: boolean
      readonly only: RuleKind | undefined
    }
  /** Without `rules`: all of the connection's. */
  | { readonly type: 'lift' | 'counts'; readonly rules: readonly number[] | undefined }

/** Rules of system calls, or of the network. */
export type RuleKind = (typeof ruleKinds)[number]

const ruleKinds = ['syscall', 'network'] as const

/** Of a request: any JSON value, which its answer has, too. */
export type RequestId = unknown

/** A rule in force, by its number in this session. */
export interface InjectedRule {
  readonly rule: number
  readonly label: string
  /** The fault as it was written. */
  readonly source: string
}

/** What it has done. */
export interface RuleCountsMessage extends InjectedRule {
  readonly engine: string
  readonly seen: number
  readonly matched: number
  readonly fired: number
  /** Calls that it never saw, since a rule before it fired at them. */
  readonly taken: number
  /** Of those seen: an argument that a key compares could not be read. */
  readonly unread: number
  /** Of a rule with path=: paths that came near. */
  readonly near?: readonly string[]
  /** There if it never fired. */
  readonly whyNotFired?: string
  /** There if it never fired, and something is known that helps. */
  readonly hint?: string
}

export interface Hello {
  readonly type: 'hello'
  readonly version: typeof PROTOCOL_VERSION
  /** Of the package. */
  readonly minderbinder: string
  /** Decimal: 64 bits are more than a JSON number holds. */
  readonly seed: string
  readonly scopes: readonly CallerScope[]
  /** System calls that rules may name. */
  readonly reach: readonly string[]
  /** Which engine injects faults of system calls; absent: none yet. */
  readonly engine?: EngineName
  /** What this session faults too, though sessions by default spare it. */
  readonly includes: readonly Included[]
}

export type Included = 'loader' | 'setuid'

/** No answer: an injection, if inject asked for them. */
export interface EventMessage {
  readonly type: 'event'
  /** struct event (bpf/rule.h), in base64: both sides are of one version (Hello.minderbinder). */
  readonly event: string
}

/** What the server sends; each also has the `id` of its request. */
export type Answer =
  | Hello
  | Injected
  | { readonly type: 'lifted' | 'counts'; readonly rules: readonly RuleCountsMessage[] }
  | ErrorAnswer

export interface Injected {
  readonly type: 'injected'
  readonly rules: readonly InjectedRule[]
  /** There if the request had `only`: the place of each rule among all of the request's. */
  readonly places?: readonly number[]
  /** There if the request had `only`: how many of its rules are of the other kind. */
  readonly left?: number
}

export interface ErrorAnswer {
  readonly type: 'error'
  readonly code: string
  readonly message: string
  readonly hint?: string
}

type Fields = Readonly<Record<string, unknown>>

/** The object of one line. @throws {MinderbinderError} MB_CONTROL: it is none */
export function parseLine(line: string): Fields {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (error) {
    throw wrong(`a line is not JSON: ${(error as Error).message}`)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw wrong('a line is not a JSON object')
}

const keys: Readonly<Record<Request['type'], readonly string[]>> = {
  hello: ['version'],
  inject: ['faults', 'scope', 'tid', 'seed', 'places', 'events', 'only'],
  lift: ['rules'],
  counts: ['rules'],
}

/** @throws {MinderbinderError} MB_CONTROL */
export function parseRequest({ id: _, type, ...fields }: Fields): Request {
  if (typeof type !== 'string' || !Object.hasOwn(keys, type))
    throw wrong('a request needs a type: hello, inject, lift or counts')
  const known = keys[type as Request['type']]
  const unknown = Object.keys(fields).find((key) => !known.includes(key))
  if (unknown !== undefined)
    throw wrong(`${type} has no ${JSON.stringify(unknown)}, only ${known.join(', ')}`)
  if (type === 'hello') return { type, version: version(fields.version) }
  if (type === 'inject') return inject(fields)
  return { type: type as 'lift' | 'counts', rules: ruleNumbers(fields.rules) }
}

function version(given: unknown): number {
  if (given === PROTOCOL_VERSION) return PROTOCOL_VERSION
  throw wrong(
    `version ${JSON.stringify(given)} of the protocol is not supported, only ${PROTOCOL_VERSION}`,
  )
}

function inject({ faults, scope = 'tree', tid, events = false, only, ...fields }: Fields): Request {
  const all = Array.isArray(faults) ? faults : [faults]
  if (faults === undefined || all.length === 0) throw wrong('inject: faults is missing, or empty')
  const known = callerScopes.find((each) => each === scope)
  if (!known)
    throw wrong(`inject: scope is ${JSON.stringify(scope)}, not one of ${callerScopes.join(', ')}`)
  const isThread = known === 'thread'
  if (isThread !== (Number.isInteger(tid) && Number(tid) > 0))
    throw wrong('inject: tid is the number of a thread, and belongs to scope thread')
  if (typeof events !== 'boolean') throw wrong('inject: events is true or false')
  const kind = ruleKinds.find((each) => each === only)
  if (only !== undefined && !kind)
    throw wrong(`inject: only is ${JSON.stringify(only)}, not one of ${ruleKinds.join(', ')}`)
  const draws = drawsOf(fields, all.length)
  if (kind && draws) throw wrong('inject: only does not go with seed')
  return {
    type: 'inject',
    faults: all,
    scope: known,
    tid: isThread ? Number(tid) : 0,
    draws,
    events,
    only: kind,
  }
}

function drawsOf({ seed, places }: Fields, faults: number): Draws | undefined {
  if (seed === undefined && places === undefined) return undefined
  const all = places ?? Array.from({ length: faults }, (_, index) => index)
  const isList = Array.isArray(all) && all.length === faults && all.every((each) => isPlace(each))
  if (typeof seed !== 'string' || !/^\d{1,20}$/.test(seed) || BigInt(seed) >= 1n << 64n || !isList)
    throw wrong('inject: seed is a decimal text of 64 bits, and places has a number for each fault')
  return { seed: BigInt(seed), places: all }
}

function isPlace(given: unknown): boolean {
  return Number.isInteger(given) && Number(given) >= 0 && Number(given) < 2 ** 32
}

function ruleNumbers(given: unknown): readonly number[] | undefined {
  if (given === undefined) return undefined
  if (Array.isArray(given) && given.every((each) => Number.isInteger(each))) return given
  throw wrong('rules must be a list of rule numbers from the answer to inject')
}

export function wrong(message: string): MinderbinderError {
  return new MinderbinderError('MB_CONTROL', message, {
    hint: 'docs/control.md of the package describes the protocol',
  })
}

/** A line, with its newline. */
export function eventLine(event: Buffer): string {
  const message: EventMessage = { type: 'event', event: event.toString('base64') }
  return `${JSON.stringify(message)}\n`
}

/** A line, with its newline. */
export function answerLine(id: RequestId, answer: Answer): string {
  const { type, ...rest } = answer
  return `${JSON.stringify({ type, id: id ?? null, ...rest })}\n`
}

/** Anything but an error of ours is a bug, and says so. */
export function errorAnswer(error: unknown): ErrorAnswer {
  if (!(error instanceof MinderbinderError))
    return {
      type: 'error',
      code: 'MB_INTERNAL',
      message: String((error as Error)?.message ?? error),
    }
  const { code, message, hint } = error
  return { type: 'error', code, message, ...(hint === undefined ? {} : { hint }) }
}
