/** A rule of a configuration file as the fields that it has, known to be of the right types. */
import type { MinderbinderError } from '../errors.ts'
import type { Span } from '../rules/span.ts'
import type { ConfigText, LocatedError, Place } from './located.ts'
import { Entries, List, type Tree, type YamlText } from './yaml-tree.ts'

export class Fields {
  readonly place: Place
  readonly #source: ConfigText
  readonly #yaml: YamlText
  readonly #entries: Entries['entries']

  constructor(source: ConfigText, yaml: YamlText, tree: Tree) {
    this.#source = source
    this.#yaml = yaml
    this.#entries = tree.value instanceof Entries ? tree.value.entries : new Map()
    const [first] = this.#entries.values()
    this.place = first?.keyPlace ?? tree.place
  }

  /** `FILE:LINE` */
  get where(): string {
    return `${this.#source.name}:${this.#source.lineOf(this.place.start)}`
  }

  /** As JSON has it: what an alias stands for is there each time. */
  get data(): Readonly<Record<string, unknown>> {
    return Object.fromEntries([...this.#entries].map(([key, { tree }]) => [key, dataOf(tree)]))
  }

  get keys(): string[] {
    return [...this.#entries.keys()]
  }

  /** The text of a scalar. */
  span(key: string): Span | undefined {
    return this.#entries.get(key)?.tree.span
  }

  isFalse(key: string): boolean {
    return this.#entries.get(key)?.tree.value === false
  }

  has(key: string): boolean {
    return this.#entries.has(key)
  }

  /** Of a list, or the one value. */
  spans(key: string): Span[] {
    const tree = this.#entries.get(key)?.tree
    const items = tree?.value instanceof List ? tree.value.items : tree ? [tree] : []
    return items.flatMap(({ span }) => span ?? [])
  }

  map(key: string): Fields {
    return new Fields(this.#source, this.#yaml, this.#entries.get(key)!.tree)
  }

  /** Of a list of maps. */
  list(key: string): Fields[] | undefined {
    const value = this.#entries.get(key)?.tree.value
    if (!(value instanceof List)) return undefined
    return value.items.map((item) => new Fields(this.#source, this.#yaml, item))
  }

  /** An error at this key, or at the rule. */
  error(key: string | undefined, message: string, hint?: string): LocatedError {
    const place = (key === undefined ? undefined : this.#entries.get(key)?.keyPlace) ?? this.place
    return this.#source.error(place, message, hint)
  }

  /** The same error, of a span of the file, at its place there. */
  located({ message, hint, excerpt }: MinderbinderError): LocatedError {
    const place = (excerpt && this.#yaml.placeOf(excerpt)) ?? this.place
    return this.#source.error(place, message, hint)
  }
}

/** Numbers as they are written: there are some that JavaScript does not have. */
function dataOf({ value, span }: Tree): unknown {
  if (value instanceof List) return value.items.map(dataOf)
  if (value instanceof Entries)
    return Object.fromEntries([...value.entries].map(([key, { tree }]) => [key, dataOf(tree)]))
  return typeof value === 'number' && !Number.isSafeInteger(value) ? (span?.text ?? value) : value
}
