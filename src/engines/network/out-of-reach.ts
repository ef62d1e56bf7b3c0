/** Targets in other network namespaces, where rules that act on our interfaces do not reach them: reports each once. */
import type { BpfObject } from '../../kernel/bpf/object.ts'
import { struct } from '../../kernel/bpf/struct.ts'
import { nameOf } from '../../kernel/process/tree.ts'
import { printable } from '../../report/printable.ts'
import { decodeRuleSet, RULE_SET_SIZE } from '../../rules/encode.ts'
import { isBoundToOwnNamespace } from '../../rules/reach.ts'
import type { EngineContext } from '../engine.ts'

/** struct elsewhere of bpf/network.bpf.h */
export const elsewhereKey = struct({ netns: 'u64', tgid: 'u32', padding: 'u32' })
const POLL_MS = 500
/** How many namespaces to report and remember for each rule: a program can make as many as it likes. */
const TOLD_MOST = 100

/** A target that made a socket elsewhere. */
export interface Distant {
  /** Cookie of the namespace. */
  readonly netns: bigint
  readonly pid: number
  /** Rows of its rules; of other sets than ours, too. */
  readonly rules: readonly number[]
}

export class OutOfReach {
  readonly #object: BpfObject
  readonly #context: EngineContext
  readonly #firstRow: number
  /** Those of the engine's rules that do not reach further. */
  readonly #bound: ReadonlySet<number>
  /** By rule, the namespaces that were reported. */
  readonly #told = new Map<number, Set<bigint>>()
  readonly #timer: NodeJS.Timeout | undefined
  #closed = false

  /** @param firstRow row of the context's first rule: the others follow it */
  constructor(
    object: BpfObject,
    context: EngineContext,
    indices: readonly number[],
    firstRow: number,
  ) {
    this.#object = object
    this.#context = context
    this.#firstRow = firstRow
    const { rules, onNotice } = context
    this.#bound = new Set(indices.filter((index) => isBoundToOwnNamespace(rules[index]!)))
    if (this.#bound.size === 0 || !onNotice) return
    this.#timer = setInterval(() => this.look(), POLL_MS)
    this.#timer.unref()
  }

  /** At what the kernel has seen since. */
  look(): void {
    if (this.#bound.size === 0 || this.#closed) return
    for (const key of this.#object.keys('elsewhere', elsewhereKey.size)) {
      const value = this.#object.get('elsewhere', key, RULE_SET_SIZE)
      if (!value) continue
      this.add({
        netns: elsewhereKey.read(key, 'netns'),
        pid: elsewhereKey.read(key, 'tgid'),
        rules: decodeRuleSet(value),
      })
    }
  }

  add({ netns, pid, rules }: Distant): void {
    const indices = rules.map((row) => row - this.#firstRow)
    const fresh = indices.filter((rule) => {
      const told = this.#told.get(rule)
      return this.#bound.has(rule) && !told?.has(netns) && (told?.size ?? 0) < TOLD_MOST
    })
    if (fresh.length === 0) return
    for (const rule of fresh) this.#told.set(rule, (this.#told.get(rule) ?? new Set()).add(netns))
    const name = nameOf(pid)
    const who = name === undefined ? `${pid}` : `${printable(name)} ${pid}`
    const labels = fresh.map((rule) => this.#label(rule)).join(', ')
    this.#context.onNotice?.(`${who} is in another network namespace, out of reach of ${labels}`)
  }

  /** What a reader of the summary must know. */
  notes(): string[] {
    this.look()
    return [...this.#told].map(([rule, { size }]) => {
      const count = size < TOLD_MOST ? `${size}` : `${size} or more`
      const places = size === 1 ? 'another network namespace' : `${count} other network namespaces`
      return `${this.#label(rule)} did not reach sockets that were made in ${places}`
    })
  }

  /** Looks once more; the object may be closed after this. */
  close(): void {
    clearInterval(this.#timer)
    this.look()
    this.#closed = true
  }

  #label(rule: number): string {
    return this.#context.rules[rule]?.label ?? ''
  }
}
