/** Holds a file to the schema: what is wrong with its keys and types, in words, each at its place. */

import { nearest } from '../rules/names/suggest.ts'
import { quote } from '../rules/span.ts'
import type { ConfigText, Place } from './located.ts'
import type { Problems } from './problems.ts'
import { configSchema } from './schema.ts'
import { Entries, List, type Tree } from './yaml-tree.ts'

type Issue = NonNullable<ReturnType<typeof configSchema.safeParse>['error']>['issues'][number]

/** Keys of other tools and of hurried hands, far from ours in letters. */
const otherWords: Readonly<Record<string, string>> = {
  rate: 'failure_rate',
  probability: 'failure_rate',
  error: 'ret_code',
  errno: 'ret_code',
  protocol: 'proto',
  process: 'process_name',
  comm: 'process_name',
  user: 'uid',
}

export function checkShape(source: ConfigText, tree: Tree, problems: Problems): void {
  const issues = issuesOf(plain(tree, new Map()))
  if (!issues) {
    const message = 'too many errors to list'
    problems.add(() => source.error(tree.place, message, 'is this a configuration file?'))
    return
  }
  const findings = issues.flatMap((issue) => explainIssue(issue, tree))
  for (const { place, message, hint } of findings.sort((a, b) => a.place.start - b.place.start))
    problems.add(() => source.error(place, message, hint?.()))
}

/** Undefined if there are more than fit on the stack, on which the library collects them. */
function issuesOf(value: unknown): readonly Issue[] | undefined {
  try {
    return configSchema.safeParse(value).error?.issues ?? []
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return undefined
  }
}

/** The values alone. What an alias stands for is one value, wherever it is used. */
function plain(tree: Tree, made: Map<Tree, unknown>): unknown {
  const { value } = tree
  if (!(value instanceof List) && !(value instanceof Entries)) return value
  const known = made.get(tree)
  if (known) return known
  // No prototype: __proto__ is a key as any other.
  const result: unknown[] | Record<string, unknown> =
    value instanceof List ? [] : Object.create(null)
  made.set(tree, result)
  if (value instanceof List)
    for (const item of value.items) (result as unknown[]).push(plain(item, made))
  else
    for (const [key, entry] of value.entries)
      (result as Record<string, unknown>)[key] = plain(entry.tree, made)
  return result
}

interface Finding {
  readonly place: Place
  readonly message: string
  readonly hint?: () => string
}

function explainIssue(issue: Issue, root: Tree): Finding[] {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') return unknownKeys(issue.keys, path, root)
  const key = path.findLast((part) => !/^\d+$/.test(part))
  const at = find(root, path)
  if (!at) {
    const parent = find(root, path.slice(0, -1)) ?? root
    return [{ place: firstLine(parent), message: `${path.at(-1)} is missing here` }]
  }
  const what = /^\d+$/.test(path.at(-1) ?? '') ? `an item of ${key}` : (key ?? 'the file')
  const is = at.value === null ? 'empty' : kindOf(at)
  const message = `${what} must be ${issue.message}, but is ${is}`
  const withUnit = key === 'delay_ms' && typeof at.value === 'string'
  return [{ place: at.place, message, ...(withUnit && { hint: () => `write after: ${at.value}` }) }]
}

function unknownKeys(keys: readonly string[], path: readonly string[], root: Tree): Finding[] {
  const map = find(root, path)?.value
  if (!(map instanceof Entries)) return []
  const known = keysAt(path)
  return keys.map((key) => ({
    place: map.entries.get(key)!.keyPlace,
    message: `unknown key ${quote(key)}`,
    hint: () => suggestion(key, known),
  }))
}

function suggestion(key: string, known: readonly string[]): string {
  if (key === '<<') return 'YAML 1.2 has no merge keys: write the keys out'
  // delay_ms is another thing: no fault for so long after the start.
  if (/^(delay|latency|jitter|sleep)$/.test(key) && known.includes('failure_rate'))
    return known.includes('ret_code')
      ? 'a delay is an outcome: outcome: delay:50ms'
      : 'latency is not offered yet: packets are lost (outcome: drop), or connections refused (outcome: refuse)'
  const other = Object.hasOwn(otherWords, key) ? otherWords[key] : undefined
  const near = other && known.includes(other) ? other : nearest(key, known)
  return near ? `did you mean ${near}?` : `keys here: ${known.join(' ')}`
}

/** What the schema has at this place. */
function keysAt(path: readonly string[]): readonly string[] {
  let schema: unknown = configSchema
  for (const part of path) {
    const { shape, element } = unwrapped(schema)
    schema = shape ? shape[part] : element
  }
  return Object.keys(unwrapped(schema).shape ?? {})
}

interface Definition {
  readonly shape?: Readonly<Record<string, unknown>>
  readonly element?: unknown
  readonly innerType?: unknown
}

/** Without z.optional() and z.nullable() around it. */
function unwrapped(schema: unknown): Definition {
  const { def } = schema as { def: Definition }
  return def.innerType ? unwrapped(def.innerType) : def
}

function find(root: Tree, path: readonly string[]): Tree | undefined {
  let tree: Tree | undefined = root
  for (const part of path) {
    const value: Tree['value'] | undefined = tree?.value
    if (value instanceof List) tree = value.items[Number(part)]
    else tree = value instanceof Entries ? value.entries.get(part)?.tree : undefined
  }
  return tree
}

/** Of a map or list: where it begins. */
function firstLine({ place, value }: Tree): Place {
  if (value instanceof Entries) {
    const [first] = value.entries.values()
    if (first) return first.keyPlace
  }
  return { start: place.start, end: place.start }
}

function kindOf({ value, span }: Tree): string {
  if (value instanceof List) return 'a list'
  if (value instanceof Entries) return 'a map'
  if (typeof value === 'number') return `the number ${span?.text}`
  if (typeof value === 'boolean') return `${value} (yes or no)`
  return `the text ${quote(`${value}`)}`
}
