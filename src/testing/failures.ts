/// <reference lib="esnext.disposable" preserve="true" />
/** Faults in force for the length of a block. */
import { readlinkSync } from 'node:fs'
import { basename } from 'node:path'
import type { RuleCountsMessage } from '../control/messages.ts'
import { MinderbinderError } from '../errors.ts'
import type { Fault } from '../library/faults.ts'
import { inject, lift, type Part } from './inject.ts'

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
   * For the filter of this process, which it installs without `minderbinder exec` in front: the system calls that faults may
   * name, as `--control=SET` has them (`'%file+connect'`). The first faults decide it, for a filter cannot grow. Default: all
   * but those that wait.
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

let thread: number | undefined

/** Asked once, before a fault can be in the way: workers have modules of their own, and stay on their threads. */
function ownThread(): number {
  thread ??= Number(basename(readlinkSync('/proc/thread-self'))) // node has no gettid(2)
  return thread
}

export class Failures {
  readonly #parts: readonly Part[]
  readonly #requireHit: boolean
  #lifted: Promise<FailureReport> | undefined

  private constructor(parts: readonly Part[], requireHit: boolean) {
    this.#parts = parts
    this.#requireHit = requireHit
  }

  /** Resolves once they are in force. */
  static async inject(
    faults: Fault | readonly Fault[],
    { scope = 'tree', requireHit = true, reach }: FailureOptions,
  ): Promise<Failures> {
    const by = scope === 'thread' ? { scope, tid: ownThread() } : { scope }
    return new Failures(await inject({ faults, ...by }, reach), requireHit)
  }

  /** Decimal. */
  get seed(): string {
    return this.#parts[0]!.connection.hello.seed
  }

  /** What they have done so far; after lift(), in all. */
  async counts(): Promise<FailureReport> {
    if (this.#lifted) return this.#lifted
    const counts = this.#parts.map(({ connection, rules }) =>
      connection.ask<'counts'>({ type: 'counts', rules: [...rules.values()] }),
    )
    return this.#report((await Promise.all(counts)).map(({ rules }) => rules))
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
    const lifted = await Promise.allSettled(this.#parts.map(lift))
    return this.#report(
      lifted.map((each) => {
        if (each.status === 'rejected') throw each.reason
        return each.value
      }),
    )
  }

  /** @param counts of each part, in the order of its rules */
  #report(counts: readonly (readonly RuleCountsMessage[])[]): FailureReport {
    const faults: FailureCounts[] = []
    for (const [at, { rules }] of this.#parts.entries())
      for (const [index, place] of [...rules.keys()].entries())
        faults[place] = countsOf(counts[at]![index]!)
    const injections = faults.reduce((sum, { fired }) => sum + fired, 0)
    return { seed: this.seed, faults, injections }
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
