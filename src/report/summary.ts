/** The report at the end of a run: what was asked, what became of it, how to have it again. */
import { Chalk, type ChalkInstance } from 'chalk'
import type { Rule, RuleCounts } from '../rules/rule.ts'
import { oneLine } from './printable.ts'
import { whyNotFired } from './why-not-fired.ts'

export interface SummaryInput {
  readonly rules: readonly {
    readonly rule: Rule
    /** Name of the engine that did the rule. */
    readonly engine: string
    readonly counts: RuleCounts
  }[]
  readonly seed: bigint
  /** Injections that happened and were not logged. */
  readonly lostEvents: bigint
  /** System calls of a foreign ABI (32-bit, x32), which no rule can name. */
  readonly foreignCalls: bigint
  /** Further things a reader must know, one line each. */
  readonly notes?: readonly string[]
  /** What may be behind a rule that was never seen; undefined where nothing is known. */
  hintFor(rule: Rule): string | undefined
  /** chalk's level: 0 none, 1 to 3 for 16, 256 and all colours. */
  readonly colour: 0 | 1 | 2 | 3
}

const PREFIX = 'minderbinder: '
const HEADER = ['rule', 'engine', 'seen', 'matched', 'fired']
/** A longer label moves its own numbers to the right, not those of every rule. */
const LABEL_WIDTH_MAX = 60

/** Lines for stderr, each with its newline, each starting with `minderbinder: `. */
export function summary(input: SummaryInput): string {
  const chalk = new Chalk({ level: input.colour })
  const lines = [
    ...table(input, chalk),
    ...input.rules.flatMap(({ rule, counts }) => {
      if (counts.fired > 0n) return []
      const hint = input.hintFor(rule)
      return [
        chalk.yellow(`${oneLine(rule.label)} never fired: ${oneLine(whyNotFired(rule, counts))}`),
        ...(hint === undefined ? [] : [`hint: ${oneLine(hint)}`]),
      ]
    }),
    ...losses(input).map((line) => chalk.yellow(line)),
    ...(input.notes ?? []).map(oneLine),
    `to repeat this run: --seed ${input.seed}`,
  ]
  return lines.map((line) => `${PREFIX}${line}\n`).join('')
}

function table(input: SummaryInput, chalk: ChalkInstance): string[] {
  const rows = input.rules.map(({ rule, engine, counts }) => [
    oneLine(rule.label),
    engine,
    `${counts.seen}`,
    `${counts.matched}`,
    `${counts.fired}`,
  ])
  const widths = HEADER.map((title, column) =>
    Math.max(...[title, ...rows.map((row) => row[column] ?? '')].map(width)),
  )
  widths[0] = Math.min(widths[0] ?? 0, LABEL_WIDTH_MAX)
  return [
    chalk.dim(align(HEADER, widths)),
    ...rows.map((row, index) => {
      const fired = (input.rules[index]?.counts.fired ?? 0n) > 0n
      const line = align(row, widths)
      return fired ? line.replace(/\d+$/, (count) => chalk.green.bold(count)) : chalk.yellow(line)
    }),
  ]
}

/** Names to the left, numbers to the right. */
function align(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, column) => {
      const padding = ' '.repeat(Math.max(0, (widths[column] ?? 0) - width(cell)))
      return column < 2 ? cell + padding : padding + cell
    })
    .join('  ')
}

/** Code points: near enough to columns for labels, and never splits one. */
function width(text: string): number {
  return Array.from(text).length
}

function losses({ lostEvents, foreignCalls }: SummaryInput): string[] {
  const calls = `32-bit system call${foreignCalls === 1n ? '' : 's'}`
  const lost = lostEvents === 1n ? 'injection is' : 'injections are'
  return [
    ...(lostEvents === 0n
      ? []
      : [`${lostEvents} ${lost} missing from the log; the counts above are complete`]),
    ...(foreignCalls === 0n
      ? []
      : [`${foreignCalls} ${calls} went past the rules, which name 64-bit ones`]),
  ]
}
