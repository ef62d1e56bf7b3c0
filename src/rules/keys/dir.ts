/** dir=out|in: which way packets go. In configuration files the section says it. */
import { ruleOffsets } from '../rule-layout.ts'
import type { Span } from '../span.ts'
import type { CommonParts, Key } from './key.ts'
import { oneOf } from './one-of.ts'

export interface DirKey {
  readonly direction: 'out' | 'in'
}

/** In the order of enum direction in bpf/rule.h, from 0. */
const directions = ['out', 'in'] as const

export const dir: Key<DirKey> = {
  name: 'dir',
  faults: ['drop-net'],
  narrows: true,
  brief: 'dir=out|in',
  values: directions,
  read: (value, parts) => ({ direction: value ? parseDirection(value, parts) : 'out' }),
  encode(row, { direction }) {
    row.writeUInt8(directions.indexOf(direction), ruleOffsets.direction)
  },
  covers: (earlier, later) => earlier.direction === later.direction,
}

function parseDirection(span: Span, { kind }: CommonParts) {
  const both = 'give two rules, one with dir=out and one with dir=in'
  const direction = oneOf(
    span,
    directions,
    /^(both|any|all|inout)$/.test(span.text) ? both : undefined,
  )
  if (kind === 'refuse-net' && direction === 'in')
    throw span.error(
      'MB_FAULT_VALUE',
      "--refuse-net fails the program's own connect() calls, and no incoming connections",
      'use --drop-net with dir=in to lose what comes in',
    )
  return direction
}
