/** How long a call waits: `50ms`, or drawn from `10ms..50ms`. */
import { drawnBelow } from '../draw.ts'
import { pauseOffsets, type RuleBytes } from '../rule-layout.ts'
import type { Span } from '../span.ts'
import { parseDuration } from '../values.ts'
import { durationText } from '../words/durations.ts'

export interface Pause {
  readonly ns: bigint
  /** Drawn between ns and this, each as likely. */
  readonly toNs?: bigint
}

export function parsePause(span: Span): Pause {
  const [low, high] = span.cut('..') ?? [span, undefined]
  if (!high) return { ns: parseDuration(low, { zeroAllowed: false }) }
  const ns = parseDuration(low, { zeroAllowed: true })
  const toNs = parseDuration(high, { zeroAllowed: false })
  if (toNs < ns)
    throw span.error(
      'MB_FAULT_VALUE',
      `the longest pause, ${durationText(toNs)}, is shorter than the shortest, ${durationText(ns)}`,
    )
  return toNs === ns ? { ns } : { ns, toNs }
}

/** strace(1), "Time specification format description" */
export function parseStracePause(span: Span): Pause {
  return { ns: parseDuration(span, { zeroAllowed: false, defaultUnit: 'us' }) }
}

export function pauseText({ ns, toNs }: Pause): string {
  return `${durationText(ns)}${toNs === undefined ? '' : `..${durationText(toNs)}`}`
}

/** @param at offset of a struct pause */
export function encodePause(row: RuleBytes, at: number, { ns, toNs = ns }: Pause): void {
  row.writeBigInt64LE(ns, at + pauseOffsets.ns)
  row.writeBigUInt64LE(toNs - ns, at + pauseOffsets.spread)
}

export function drawnPause({ ns, toNs = ns }: Pause, draw: bigint): Pause {
  return { ns: ns + drawnBelow(toNs - ns + 1n, draw) }
}
