/** What a run did, for programs: `--report FILE`. docs/report.md is the contract. Pure. */

import type { Architecture } from '../rules/architecture.ts'
import { groupByExpression, labelOfAll } from '../rules/expression.ts'
import { signalName } from '../rules/names/signals.ts'
import type { RuleCounts } from '../rules/rule.ts'
import { foreignCallNotes } from './foreign-calls.ts'
import { hintForAll } from './hints.ts'
import { visibleJson } from './printable.ts'
import { type Row, rowsOf } from './rows.ts'
import type { RunSoFar } from './run-so-far.ts'
import { whyNoneFired } from './why-not-fired.ts'

/** Grows only if the meaning of what is there changes; new keys come without. */
const VERSION = 1

/** A run of one command. */
export interface RunReport extends PeriodReport {
  readonly version: typeof VERSION
  readonly command: readonly string[]
  readonly end: CommandEnd | FailedEnd
  /** Decimal: 64 bits are more than a JSON number holds. */
  readonly seed: string
}

/** A run for the whole machine. */
export interface MachineReport extends PeriodReport {
  readonly version: typeof VERSION
  /** The configuration files. */
  readonly files: readonly string[]
  readonly end: { readonly kind: 'ended' } | FailedEnd
  readonly seed: string
  /** What earlier rules did, oldest first, if a SIGHUP replaced any. */
  readonly replaced?: readonly PeriodReport[]
  /** The sets before those of `replaced`, if there were too many to list. */
  readonly replacedBefore?: ReplacedBefore
}

/** The sums of the earliest sets of rules. */
export interface ReplacedBefore {
  /** How many there were. */
  readonly sets: number
  readonly fired: number
  readonly lostEvents: number
  /** When the rules of the first were in force. */
  readonly startedAt: string
  readonly durationMs: number
}

/** How the command ended. */
export type CommandEnd =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'timed-out' }

/** minderbinder itself failed: nothing is known of the rules. */
export interface FailedEnd {
  readonly kind: 'failed'
  readonly error: { readonly code: string; readonly message: string; readonly hint?: string }
}

/** What a set of rules did while it was in force. */
export interface PeriodReport {
  readonly rules: readonly RuleReport[]
  /** What else a reader must know, in words. */
  readonly notes: readonly string[]
  /** Injections that happened and are missing from the log. */
  readonly lostEvents: number
  /** UTC, ISO 8601. */
  readonly startedAt: string
  readonly durationMs: number
}

export interface ReportedCounts {
  readonly label: string
  /** `override+seccomp` if the calls of one --inject have several. */
  readonly engine: string
  readonly seen: number
  readonly matched: number
  readonly fired: number
}

/** One fault as it was given: an --inject of several system calls is one. */
export interface RuleReport extends ReportedCounts {
  /** The fault as it was written. */
  readonly source: string
  /** Of an --inject of several system calls: those that were called, each with counts of its own. */
  readonly calls?: readonly ReportedCounts[]
  /** There if it never fired. */
  readonly whyNotFired?: string
  /** There if it never fired, and something is known that helps. */
  readonly hint?: string
}

/** When it was. */
export interface Times {
  readonly startedAt: Date
  readonly durationMs: number
}

/** What a session has to say of its rules. */
export interface Outcomes extends RunSoFar {
  /** Name of the engine of each rule, by index. */
  readonly engines: readonly string[]
  readonly lostEvents: bigint
  readonly foreignCalls: bigint
  readonly notes: readonly string[]
}

/** Whose run it was. */
export interface CommandRun {
  readonly command: readonly string[]
  readonly seed: bigint
}

export function runReport(
  { command, seed }: CommandRun,
  end: RunReport['end'],
  period: PeriodReport,
): RunReport {
  return { version: VERSION, command, end, seed: `${seed}`, ...period }
}

export interface MachineRun {
  readonly files: readonly string[]
  readonly seed: bigint
  readonly replaced: readonly PeriodReport[]
  readonly replacedBefore: ReplacedBefore | undefined
}

export function machineReport(
  { files, seed, replaced, replacedBefore }: MachineRun,
  end: MachineReport['end'],
  period: PeriodReport,
): MachineReport {
  return {
    ...{ version: VERSION, files, end, seed: `${seed}`, ...period },
    ...(replaced.length === 0 ? {} : { replaced }),
    ...(replacedBefore === undefined ? {} : { replacedBefore }),
  }
}

/** @param end of the child: a signal is a number there */
export function commandEnd(
  end:
    | { readonly kind: 'exited'; readonly status: number }
    | { readonly kind: 'killed'; readonly signal: number },
): CommandEnd {
  return end.kind === 'exited' ? end : { kind: 'killed', signal: signalName(end.signal) }
}

export function periodReport(done: Outcomes, times: Times, arch: Architecture): PeriodReport {
  return {
    rules: groupByExpression(done.rules).map((indices) => ruleReport(done, indices, arch)),
    notes: [...foreignCallNotes(done.foreignCalls), ...done.notes],
    lostEvents: Number(done.lostEvents),
    ...timesReport(times),
  }
}

/** Of a run that failed: nothing was counted. */
export function failedPeriod(times: Times): PeriodReport {
  return { rules: [], notes: [], lostEvents: 0, ...timesReport(times) }
}

/** The file's text. */
export function reportText(report: RunReport | MachineReport): string {
  // Line by line: the newlines between them are the format's, those of the values are escaped already.
  const lines = JSON.stringify(report, undefined, 2).split('\n')
  return `${lines.map(visibleJson).join('\n')}\n`
}

function timesReport({ startedAt, durationMs }: Times) {
  return { startedAt: startedAt.toISOString(), durationMs: roundMs(durationMs) }
}

/** To microseconds. */
export function roundMs(ms: number): number {
  return Math.round(ms * 1000) / 1000
}

/** The rules at `indices`, which the user wrote as one. */
function ruleReport(done: Outcomes, indices: readonly number[], arch: Architecture): RuleReport {
  const { rules, engines } = done
  const rows = rowsOf(done, indices)
  const sum = (key: keyof RuleCounts) => rows.reduce((total, { counts }) => total + counts[key], 0n)
  const fired = sum('fired')
  const hint = fired > 0n ? undefined : hintForAll(done, indices, arch)
  return {
    label: labelOfAll(rules, indices),
    source: rules[indices[0]!]!.source,
    engine: [...new Set(indices.map((index) => engines[index] ?? ''))].sort().join('+'),
    ...{ seen: Number(sum('seen')), matched: Number(sum('matched')), fired: Number(fired) },
    ...(indices.length === 1 || sum('seen') + sum('taken') === 0n
      ? {}
      : { calls: rows.map(countsOf) }),
    ...(fired > 0n ? {} : { whyNotFired: whyNoneFired(done, indices) }),
    ...(hint === undefined ? {} : { hint }),
  }
}

function countsOf({ label, engine, counts }: Row): ReportedCounts {
  const { seen, matched, fired } = counts
  return {
    label,
    engine,
    seen: Number(seen),
    matched: Number(matched),
    fired: Number(fired),
  }
}
