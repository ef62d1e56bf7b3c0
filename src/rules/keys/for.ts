/** for=DUR: no fault later than this, counted from the start or from the end of after=. */
import { ruleOffsets } from '../rule-layout.ts'
import type { Span } from '../span.ts'
import { parseDuration } from '../values.ts'
import { everyFault, type Key } from './key.ts'

export interface ForKey {
  /** Nanoseconds, above 0; absent if there is no end. */
  readonly forNs?: bigint
}

export const forTime: Key<ForKey> = {
  name: 'for',
  faults: everyFault,
  narrows: false,
  brief: 'for=2s',
  field: {
    type: 'number or text',
    is: 'a duration, such as 1.5s',
    about: 'No fault later than this, counted from the start of the process or from after',
    examples: ['2s', '500ms'],
  },
  read: (value) => (value ? { forNs: parseFor(value) } : {}),
  encode(row, { forNs = 0n }) {
    row.writeBigUInt64LE(forNs, ruleOffsets.for_ns)
  },
}

function parseFor(span: Span): bigint {
  const ns = parseDuration(span, { zeroAllowed: true })
  if (ns === 0n) throw span.error('MB_FAULT_VALUE', 'for= is 0: the rule would never fire')
  return ns
}
