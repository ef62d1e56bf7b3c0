/** The matrix engine x kernel of what conformance runs recorded, as text. */
import type { Result } from './results.ts'
import { subjects } from './subjects.ts'

export function matrix(results: readonly Result[]): string {
  const kernels = unique(results.map(({ kernel }) => kernel))
  const engines = unique(results.map(({ engine }) => engine))
  const reasons = new Map<string, number>()
  const cells = engines.map((engine) => [
    engine,
    ...kernels.map((kernel) => {
      const own = results.filter((r) => r.engine === engine && r.kernel === kernel)
      return cell(own, reasons)
    }),
  ])
  const rows = [['engine', ...kernels], ...cells]
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const text = rows.map((row) =>
    row
      .map((value, i) => value.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  )
  const notes = [...reasons].map(([why, number]) => `  [${number}] ${why}`)
  const failures = results.filter(({ result }) => result === 'failed')
  return [
    ...text,
    ...(notes.length > 0 ? ['skipped because:', ...notes] : []),
    ...failures.map((r) => `FAILED ${r.engine}, ${r.kernel}: ${r.case}: ${firstLine(r.why)}`),
    '',
  ].join('\n')
}

/** `81 ran, 2 failed, 5 skipped [1][2]` */
function cell(results: readonly Result[], reasons: Map<string, number>): string {
  if (results.length === 0) return '-'
  const parts = (['ran', 'failed', 'skipped'] as const).flatMap((kind) => {
    const count = results.filter(({ result }) => result === kind).length
    return count > 0 ? [`${count} ${kind}`] : []
  })
  const numbers = unique(
    results.flatMap(({ result, why }) => (result === 'skipped' ? [why ?? ''] : [])),
  )
    .map((why) => {
      if (!reasons.has(why)) reasons.set(why, reasons.size + 1)
      return `[${reasons.get(why)}]`
    })
    .join('')
  return `${parts.join(', ')}${numbers && ` ${numbers}`}`
}

/** Those of the table that no kernel ran. */
export function engineless(results: readonly Result[]): string[] {
  const ran = new Set(results.filter(({ result }) => result === 'ran').map(({ engine }) => engine))
  return subjects.map(({ name }) => name).filter((name) => !ran.has(name))
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)]
}

function firstLine(text = ''): string {
  return text.split('\n', 1)[0] ?? ''
}
