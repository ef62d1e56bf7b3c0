/** docs/minderbinder-report.schema.json, which every report must fit. */
import { readFileSync } from 'node:fs'
import { fromJSONSchema } from 'zod'

type Schema = Parameters<typeof fromJSONSchema>[0]

const file = new URL('../../docs/minderbinder-report.schema.json', import.meta.url)
const published = JSON.parse(readFileSync(file, 'utf8'))

/** Users of the schema accept keys that they do not know; a test must see that each key is documented. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const entries = Object.entries(schema).map(([key, value]) => [key, closed(value)])
  return {
    ...Object.fromEntries(entries),
    ...('properties' in schema && { additionalProperties: false }),
  }
}

const open = fromJSONSchema(published)
const strict = fromJSONSchema(closed(published) as Schema)

/** What the schema has against it; undefined: nothing. */
export function schemaComplaint(
  report: unknown,
  mode: 'strict' | 'open' = 'strict',
): string | undefined {
  return (mode === 'open' ? open : strict).safeParse(report).error?.message
}

/** The report in this text. @throws {Error} it is not one */
export function parseReport(text: string) {
  const report = JSON.parse(text)
  const complaint = schemaComplaint(report)
  if (complaint !== undefined) throw new Error(`not a report: ${complaint}\n${text}`)
  return report
}
