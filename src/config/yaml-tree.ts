/**
 * A YAML text as values, with the place of each. The parser's own tree is walked here, once and in order, and not by
 * its toJS(): for that, each alias costs a walk over all that stands before it, and more than a hundred of them
 * are an attack (maxAliasCount). Here files may use as many as they like; what they expand to has a limit.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  type Scalar,
  type YAMLError,
} from 'yaml'
import type { MinderbinderError } from '../errors.ts'
import { quote, Span } from '../rules/span.ts'
import type { ConfigText, Place } from './located.ts'
import type { Problems } from './problems.ts'

/** Values in a file when each alias is counted as all that it stands for; 4,096 rules have a tenth of it. */
const mostValues = 1_000_000

/** Deeper than any configuration, and less than what the stack holds. */
const deepest = 100

const tooDeep = 'this is nested too deeply'

/** For errors of the parser that speak to programmers. */
const ownWords: { readonly [code in YAMLError['code']]?: string } = {
  MULTIPLE_DOCS: 'a second document starts here',
  RESOURCE_EXHAUSTION: tooDeep,
}

/** What to do about the parser's errors. */
const hints: { readonly [code in YAMLError['code']]?: string } = {
  MULTIPLE_DOCS: 'a file holds one document',
  BAD_SCALAR_START: 'put the value between quotes',
  TAB_AS_INDENT: 'indent with spaces',
}

/** A value and where it stands. */
export interface Tree {
  readonly place: Place
  readonly value: string | number | boolean | null | List | Entries
  /** Of a scalar: its text, as part of the file where it stands there as it is. */
  readonly span?: Span
}

export class List {
  readonly items: Tree[] = []
}

export class Entries {
  readonly entries = new Map<string, { readonly keyPlace: Place; readonly tree: Tree }>()
}

export interface YamlText {
  /** Undefined if the text is empty or not YAML. */
  readonly tree: Tree | undefined
  /** Where in the file the text of a span is; undefined for others' spans. */
  placeOf(excerpt: NonNullable<MinderbinderError['excerpt']>): Place | undefined
}

export function readYaml(source: ConfigText, problems: Problems): YamlText {
  const reader = new Reader(source, problems)
  return {
    tree: reader.read(),
    placeOf: ({ text, start, length }) =>
      text === source.text ? { start, end: start + length } : reader.rewritten.get(text),
  }
}

class Reader {
  /** Where texts come from that do not stand in the file as they are: escapes, folded lines. */
  readonly rewritten = new Map<string, Place>()
  readonly #source: ConfigText
  readonly #problems: Problems
  readonly #anchors = new Map<string, Node>()
  readonly #done = new Map<Node, { tree: Tree; values: number }>()
  #values = 0

  constructor(source: ConfigText, problems: Problems) {
    this.#source = source
    this.#problems = problems
  }

  read(): Tree | undefined {
    const document = this.#parse()
    if (!document) return undefined
    for (const error of [...document.errors, ...document.warnings]) this.#yamlError(error)
    if (document.errors.length + document.warnings.length > 0) return undefined
    if (document.contents === null) return undefined
    return this.#tree(document.contents, 0)
  }

  #parse(): Document.Parsed | undefined {
    try {
      return parseDocument(this.#source.text, {
        // One version and one set of types, whatever a %YAML directive says.
        version: '1.2',
        schema: 'core',
        // The parser compares each key with all before it.
        uniqueKeys: false,
        prettyErrors: false,
      })
    } catch (error) {
      // It calls itself for each level.
      if (!(error instanceof RangeError)) throw error
      this.#error({ start: 0, end: 0 }, tooDeep)
      return undefined
    }
  }

  #error(place: Place, message: string, hint?: string): void {
    this.#problems.add(() => this.#source.error(place, message, hint))
  }

  #yamlError({ code, message, pos }: YAMLError): void {
    const place = { start: pos[0], end: pos[1] }
    const words = ownWords[code] ?? message
    this.#error(place, `${words.charAt(0).toLowerCase()}${words.slice(1)}`, hints[code])
  }

  #tree(node: Node, depth: number): Tree {
    const before = this.#values
    if (isAlias(node)) return this.#aliased(node.source, placeOf(node))
    this.#values += 1
    if (node.anchor) this.#anchors.set(node.anchor, node)
    const tree = this.#plain(node, depth)
    if (node.anchor) this.#done.set(node, { tree, values: this.#values - before })
    return tree
  }

  #aliased(anchor: string, place: Place): Tree {
    const nothing = { place, value: null }
    const node = this.#anchors.get(anchor)
    if (!node) {
      this.#error(place, `no &${anchor} comes before this`, 'text that starts with * needs quotes')
      return nothing
    }
    const done = this.#done.get(node)
    if (!done) {
      this.#error(place, `&${anchor} is within itself`)
      return nothing
    }
    const within = this.#values <= mostValues
    this.#values += done.values
    if (within && this.#values > mostValues)
      this.#error(place, `with its aliases written out the file has over ${mostValues} values`)
    return done.tree
  }

  #plain(node: Node, depth: number): Tree {
    const place = placeOf(node)
    if (isScalar(node)) return this.#scalar(node, place)
    if (depth >= deepest) {
      this.#error(place, tooDeep)
      return { place, value: null }
    }
    if (isSeq(node)) {
      const list = new List()
      for (const item of node.items) list.items.push(this.#tree(item as Node, depth + 1))
      return { place, value: list }
    }
    const map = new Entries()
    if (!isMap(node)) return { place, value: map }
    for (const { key, value } of node.items as { key: Node; value: Node | null }[]) {
      const name = this.#key(key)
      const keyPlace = placeOf(key)
      const tree = value ? this.#tree(value, depth + 1) : { place: keyPlace, value: null }
      if (name === undefined) continue
      if (map.entries.has(name)) this.#error(keyPlace, `the key ${quote(name)} appears twice`)
      else map.entries.set(name, { keyPlace, tree })
    }
    return { place, value: map }
  }

  /** Undefined if it is none. */
  #key(node: Node): string | undefined {
    const tree = isScalar(node) || isAlias(node) ? this.#tree(node, deepest) : undefined
    if (!tree?.span) this.#error(placeOf(node), 'a key must be a word')
    return tree?.span?.text
  }

  #scalar(node: Scalar, place: Place): Tree {
    const { value } = node
    const written = this.#source.text.slice(place.start, place.end)
    const quotes = node.type === 'QUOTE_SINGLE' || node.type === 'QUOTE_DOUBLE' ? 1 : 0
    const plain = written.slice(quotes, written.length - quotes)
    const asWritten = node.type === 'PLAIN' ? node.source === plain : value === plain
    const span = asWritten
      ? new Span(this.#source.text, place.start + quotes, place.end - quotes)
      : new Span(String(typeof value === 'string' ? value : (node.source ?? value)))
    if (!asWritten && !this.rewritten.has(span.whole)) this.rewritten.set(span.whole, place)
    const known = typeof value === 'object' || typeof value === 'undefined' ? null : value
    return { place, value: known as Tree['value'], span }
  }
}

/** Without the line breaks and comments that follow it. */
function placeOf(node: Node): Place {
  const [start, end] = node.range ?? [0, 0]
  return { start, end }
}
