/// <reference lib="esnext.disposable" preserve="true" />
/** Faults in force for the length of a block. */
import { readlinkSync } from 'node:fs'
import { basename } from 'node:path'
import type { Answer, RuleCountsMessage } from '../control/messages.ts'
import { MinderbinderError } from '../errors.ts'
import type { Fault } from '../library/faults.ts'
import { Shared } from '../shared.ts'
import { Connection } from './connection.ts'
import { wayIn } from './ways.ts'

export interface FailureOptions {
  /**
   * Which processes are hit. `'tree'`: this one and all that descend from it. `'process'`: this one. `'children'`: those
   * that descend from it and start from now on. `'thread'`: the thread that runs this JavaScript, and so its synchronous calls
   * and its connections, but not node's pool of threads (fs/promises, dns.lookup). Default: `'tree'`.
   */
  readonly scope?: 'tree' | 'process' | 'children' | 'thread'
  /** A fault that never fires is an error at the end of the block. Default: true. */
  readonly requireHit?: boolean
  /**
   * Without `minderbinder exec` in front: the system calls that faults of this process may name, as `--control=SET` has them
   * (`'%file+connect'`). The first faults decide it, for a filter cannot grow. Default: all but those that wait.
   */
  readonly reach?: string
}

/** What one fault has done so far. */
export interface FailureCounts {
  readonly label: string
  /** The fault as it was written. */
  readonly source: string
  /** Calls that it names. */
  readonly seen: number
  /** Those of them to which its keys apply. */
  readonly matched: number
  /** Those of them that it made fail. */
  readonly fired: number
  /** There if it never fired. */
  readonly whyNotFired?: string
  /** There if it never fired, and something is known that helps. */
  readonly hint?: string
}

/** What all of a block's faults have done. */
export interface FailureReport {
  /** Decimal: `minderbinder exec --seed` with it repeats the choices by chance. */
  readonly seed: string
  readonly faults: readonly FailureCounts[]
  /** How often any of them fired. */
  readonly injections: number
}

/** One connection for all blocks that are open in this process: no fault of one is in another's way. */
let shared: Promise<Shared<Connection>> | undefined

let thread: number | undefined

/** Asked once, before a fault can be in the way: workers have modules of their own, and stay on their threads. */
function ownThread(): number {
  thread ??= Number(basename(readlinkSync('/proc/thread-self'))) // node has no gettid(2)
  return thread
}

async function join(reach: string | undefined): Promise<Shared<Connection>> {
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
  const { path, whyLost } = await wayIn(reach)
  const connection = await Connection.open(path, whyLost)
  return new Shared(connection, () => {
    shared = undefined
    connection.close()
  })
}

export class Failures {
  readonly #connection: Shared<Connection>
  readonly #rules: readonly number[]
  readonly #requireHit: boolean
  #lifted: Promise<FailureReport> | undefined

  private constructor(
    connection: Shared<Connection>,
    rules: readonly number[],
    requireHit: boolean,
  ) {
    this.#connection = connection
    this.#rules = rules
    this.#requireHit = requireHit
  }

  /** Resolves once they are in force. */
  static async inject(
    faults: Fault | readonly Fault[],
    { scope = 'tree', requireHit = true, reach }: FailureOptions,
  ): Promise<Failures> {
    const by = scope === 'thread' ? { scope, tid: ownThread() } : { scope }
    const connection = await join(reach)
    try {
      const { rules } = await connection.value.ask<'injected'>({ type: 'inject', faults, ...by })
      return new Failures(
        connection,
        rules.map(({ rule }) => rule),
        requireHit,
      )
    } catch (error) {
      await connection.leave()
      throw error
    }
  }

  /** Decimal. */
  get seed(): string {
    return this.#connection.value.hello.seed
  }

  /** What they have done so far; after lift(), in all. */
  async counts(): Promise<FailureReport> {
    if (this.#lifted) return this.#lifted
    const rules = this.#rules
    return this.#report(await this.#connection.value.ask<'counts'>({ type: 'counts', rules }))
  }

  /** From here on they hit nothing. Idempotent, and no error if one never fired. */
  lift(): Promise<FailureReport> {
    this.#lifted ??= this.#lift()
    return this.#lifted
  }

  /** lift(), and an error if one never fired, unless `requireHit` is false. */
  async end(): Promise<FailureReport> {
    const report = await this.lift()
    const missed = report.faults.filter(({ fired }) => fired === 0)
    if (this.#requireHit && missed.length > 0) throw neverFired(missed, report)
    return report
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end()
  }

  async #lift(): Promise<FailureReport> {
    try {
      const rules = this.#rules
      return this.#report(await this.#connection.value.ask<'lifted'>({ type: 'lift', rules }))
    } finally {
      await this.#connection.leave()
    }
  }

  #report({ rules }: Answer & { type: 'lifted' | 'counts' }): FailureReport {
    const injections = rules.reduce((sum, { fired }) => sum + fired, 0)
    return { seed: this.seed, faults: rules.map(countsOf), injections }
  }
}

function countsOf(counts: RuleCountsMessage): FailureCounts {
  const { label, source, seen, matched, fired, whyNotFired, hint } = counts
  return {
    ...{ label, source, seen, matched, fired },
    ...(whyNotFired === undefined ? {} : { whyNotFired }),
    ...(hint === undefined ? {} : { hint }),
  }
}

function neverFired(missed: readonly FailureCounts[], { seed }: FailureReport): MinderbinderError {
  const each = missed.map(({ label, whyNotFired }) => `${label} never fired: ${whyNotFired}`)
  const hint = missed.map((counts) => counts.hint).find((text) => text !== undefined)
  return new MinderbinderError('MB_NEVER_FIRED', `${each.join('; ')} (seed ${seed})`, {
    hint: hint ?? 'requireHit: false allows it',
  })
}
