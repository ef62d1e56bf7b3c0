/** The report at the end of a run: what was asked, what became of it, how to have it again. */
import { Chalk, type ChalkInstance } from 'chalk'
import type { Architecture } from '../rules/architecture.ts'
import { groupByExpression, labelOfAll } from '../rules/expression.ts'
import { foreignCallNotes } from './foreign-calls.ts'
import { hintForAll } from './hints.ts'
import { oneLine } from './printable.ts'
import { type Row, rowsOf } from './rows.ts'
import type { RunSoFar } from './run-so-far.ts'
import { whyNoneFired } from './why-not-fired.ts'

export interface SummaryInput extends RunSoFar {
  /** Name of the engine that did each rule, by index. */
  readonly engines: readonly string[]
  readonly seed: bigint
  /** Injections that happened and were not logged. */
  readonly lostEvents: bigint
  /** System calls of a foreign ABI (32-bit, x32), which no rule can name. */
  readonly foreignCalls: bigint
  /** Further things a reader must know, one line each. */
  readonly notes?: readonly string[]
  /** Whose system calls the rules name, for hints. */
  readonly arch: Architecture
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
  const groups = groupByExpression(input.rules)
  const lines = [
    ...table(
      groups.flatMap((indices) => rowsOf(input, indices)),
      chalk,
    ),
    ...groups.flatMap((indices) => silence(input, indices, chalk)),
    ...losses(input).map((line) => chalk.yellow(line)),
    ...(input.notes ?? []).map(oneLine),
    `to repeat this run: --seed ${input.seed}`,
  ]
  return lines.map((line) => `${PREFIX}${line}\n`).join('')
}

/** Why nothing of it fired, and what to do about it. */
function silence(
  input: SummaryInput,
  indices: readonly number[],
  chalk: ChalkInstance,
): readonly string[] {
  if (indices.some((index) => input.counts[index]!.fired > 0n)) return []
  const label = oneLine(labelOfAll(input.rules, indices))
  const hint = hintForAll(input, indices, input.arch)
  return [
    chalk.yellow(`${label} never fired: ${oneLine(whyNoneFired(input, indices))}`),
    ...(hint === undefined ? [] : [`hint: ${oneLine(hint)}`]),
  ]
}

function table(rules: readonly Row[], chalk: ChalkInstance): string[] {
  if (rules.length === 0) return []
  const rows = rules.map(({ label, engine, counts }) => [
    oneLine(label),
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
      const fired = (rules[index]?.counts.fired ?? 0n) > 0n
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
  const lost = lostEvents === 1n ? 'injection is' : 'injections are'
  return [
    ...(lostEvents === 0n
      ? []
      : [`${lostEvents} ${lost} missing from the log; the counts above are complete`]),
    ...foreignCallNotes(foreignCalls),
  ]
}
