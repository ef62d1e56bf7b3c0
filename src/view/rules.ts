/** The part of the screen about rules: how often each was seen and fired, currently and in total. */
import type { RuleActivity } from '../report/activity.ts'
import { graph } from './graph.ts'
import type { ScreenInput } from './input.ts'
import { type Line, span } from './line.ts'
import { type Charset, firstFitting, fit, safe, short, width } from './text.ts'

export interface RuleLines {
  readonly lines: readonly Line[]
  /** How many rules they show. */
  readonly shown: number
}

/** Rows of a rule: its name, its numbers, and graphs of what is left. */
const TALLEST = 5
/** From here on a line holds a name, all numbers and two graphs. */
const WIDE = 76
const NUMBER = 6
const GRAPH_TITLE = 'fired/s'

export function ruleLines(input: ScreenInput, rows: number): RuleLines {
  const rules = input.history.activity?.rules ?? []
  if (rows <= 0) return { lines: [], shown: 0 }
  if (rules.length === 0) return { lines: [[span('no rules', 'dim')]], shown: 0 }
  const each = Math.min(TALLEST, Math.floor(rows / rules.length))
  if (each >= 3)
    return {
      lines: rules.flatMap((rule, index) => tall(input, rule, index, each - 2)),
      shown: rules.length,
    }
  return compact(input, rules, rows)
}

/** Name and numbers, below them what was seen and what fired, beside each other. */
function tall(input: ScreenInput, rule: RuleActivity, index: number, rows: number): Line[] {
  const { history, size, charset } = input
  const { seen, fired } = history.rule(index)
  const half = Math.floor((size.columns - 2) / 2)
  const left = graph(seen, half, rows, charset)
  const right = graph(fired, half, rows, charset)
  const { counts } = rule
  const numbers = (what: string, total: bigint, rates: readonly number[], top: number) => {
    const all = `${what} ${short(Number(total))}`
    const now = `${short(rates.at(-1) ?? 0)}/s`
    const peak = `peak ${short(top)}/s`
    return fit(
      firstFitting([`${all}  now ${now}  ${peak}`, `${all}  now ${now}`, all], half, charset),
      half,
      charset,
    )
  }
  // In the place of the graph that is empty, or of both.
  const silence = rule.silence.map((text) => safe(text, charset))
  const graphs = left.rows.map((row, at): Line => {
    const text = silence[at]
    if (text !== undefined && counts.seen === 0n) return [span(text, 'dim')]
    const fires = text === undefined ? span(right.rows[at] ?? '', 'fired') : span(text, 'dim')
    return [span(row, 'seen'), span('  '), fires]
  })
  const caption: Line = [
    span(numbers('seen', counts.seen, seen, left.top), 'seen'),
    span('  '),
    span(numbers('fired', counts.fired, fired, right.top), counts.fired > 0n ? 'fired' : 'dim'),
  ]
  return [titleLine(input, rule), caption, ...graphs]
}

/** What a rule does matters more than the engine that does it. */
function titleLine({ size, charset }: ScreenInput, { label, engine, what }: RuleActivity): Line {
  const name = safe(label, charset)
  const room = size.columns - width(name) - 2
  if (room < 20) return [span(name, 'title')]
  const text = safe(what, charset)
  const words = firstFitting([`${engine}: ${text}`, text], room, charset)
  return [span(name, 'title'), span(`  ${words}`, 'dim')]
}

/** One line a rule. */
function compact(input: ScreenInput, rules: readonly RuleActivity[], rows: number): RuleLines {
  const { size, charset } = input
  const columns = columnsOf(size.columns)
  const header = rows >= 3 ? [headerLine(columns, charset)] : []
  const room = rows - header.length
  const all = rules.length <= room
  const shown = all ? rules.length : Math.max(1, room - (room > 1 ? 1 : 0))
  const first = Math.max(0, Math.min(input.scroll, rules.length - shown))
  const lines = rules
    .slice(first, first + shown)
    .map((rule, at) => compactLine(input, rule, first + at, columns))
  const more = all || room < 2 ? [] : [moreLine(first, rules.length - first - shown)]
  return { lines: [...header, ...lines, ...more], shown }
}

interface Columns {
  readonly name: number
  /** 0: left out. */
  readonly engine: number
  /** Of each of the two graphs; 0: left out. */
  readonly graph: number
}

function columnsOf(columns: number): Columns {
  const numbers = 2 * (NUMBER + 1)
  if (columns < WIDE) {
    const third = Math.floor((columns - 10 - numbers) / 3) - 1
    const graphColumns = columns >= 40 ? Math.max(GRAPH_TITLE.length, third) : 0
    return {
      name: Math.max(4, columns - numbers - (graphColumns + 1)),
      engine: 0,
      graph: graphColumns,
    }
  }
  const engine = 9
  const name = Math.min(50, Math.floor((columns - numbers - engine) / 2))
  return { name, engine, graph: Math.floor((columns - name - engine - numbers - 2) / 2) }
}

function headerLine(columns: Columns, charset: Charset): Line {
  const { name, engine, graph: graphColumns } = columns
  const text = [
    fit('rule', name, charset),
    engine > 0 ? fit('engine', engine, charset) : '',
    ' ',
    'seen'.padStart(NUMBER),
    ' ',
    'fired'.padStart(NUMBER),
    ...(graphColumns > 0 && engine > 0 ? [' ', fit('seen/s', graphColumns, charset)] : []),
    ...(graphColumns > 0 ? [' ', fit(GRAPH_TITLE, graphColumns, charset)] : []),
  ].join('')
  return [span(text, 'dim')]
}

function compactLine(
  { history, charset }: ScreenInput,
  { label, engine, counts }: RuleActivity,
  index: number,
  columns: Columns,
): Line {
  const rates = history.rule(index)
  const bar = (values: readonly number[]) => graph(values, columns.graph, 1, charset).rows[0] ?? ''
  const firedStyle = counts.fired > 0n ? 'fired' : 'dim'
  return [
    span(fit(safe(label, charset), columns.name, charset)),
    ...(columns.engine > 0 ? [span(fit(engine, columns.engine, charset), 'dim')] : []),
    span(` ${short(Number(counts.seen)).padStart(NUMBER)}`, 'seen'),
    span(` ${short(Number(counts.fired)).padStart(NUMBER)}`, firedStyle),
    ...(columns.graph > 0 && columns.engine > 0 ? [span(` ${bar(rates.seen)}`, 'seen')] : []),
    ...(columns.graph > 0 ? [span(` ${bar(rates.fired)}`, 'fired')] : []),
  ]
}

function moreLine(above: number, below: number): Line {
  const parts = [
    ...(above > 0 ? [`${above} more above`] : []),
    ...(below > 0 ? [`and ${below} more`] : []),
  ]
  return [span(parts.join(', '), 'dim')]
}
