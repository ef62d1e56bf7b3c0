/** Reads what a run showed: the summary's table, the log, the program's lines. */
import { readFileSync } from 'node:fs'

export interface SummaryRow {
  readonly engine: string
  readonly seen: number
  readonly matched: number
  readonly fired: number
}

/** Rows of the rules called rule0, rule1, ... */
export function readSummary(text: string): SummaryRow[] {
  const rows = [...text.matchAll(/^minderbinder: rule(\d+) +(\S+) +(\d+) +(\d+) +(\d+)$/gm)]
  return rows.map(([, , engine = '', seen, matched, fired]) => ({
    engine,
    ...{ seen: Number(seen), matched: Number(matched), fired: Number(fired) },
  }))
}

export interface LogLine {
  readonly rule: string
  readonly index: number
  readonly n: number
  readonly seed: string
  readonly syscall: string
  readonly outcome: string
}

export function readLog(file: string): LogLine[] {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean)
  return lines.map((line) => JSON.parse(line) as LogLine)
}

/** How often each call returned what, over all lines `name: -9*19 -5`; other lines stay as they are. */
export function tally(lines: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const line of lines) {
    const [name, values] = line.split(':')
    const parsed = [...(values ?? '').matchAll(/ (-?\d+)(?:\*(\d+))?/g)]
    if (parsed.length === 0) counts[line] = (counts[line] ?? 0) + 1
    for (const [, value, count] of parsed) {
      const key = `${name}: ${value}`
      counts[key] = (counts[key] ?? 0) + Number(count ?? 1)
    }
  }
  return counts
}
