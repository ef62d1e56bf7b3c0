/** after=DUR: no fault for this long after the start. */
import { ruleOffsets } from '../rule-layout.ts'
import { parseDuration } from '../values.ts'
import { everyFault, type Key } from './key.ts'

export interface AfterKey {
  /** Nanoseconds; 0 if there is no `after=`. */
  readonly afterNs: bigint
}

export const after: Key<AfterKey> = {
  name: 'after',
  faults: everyFault,
  narrows: false,
  brief: 'after=1s',
  field: {
    type: 'number or text',
    is: 'a duration, such as 1.5s',
    about: 'The same as delay_ms, with a unit',
    examples: ['1s', '50ms'],
  },
  read: (value) => ({ afterNs: value ? parseDuration(value, { zeroAllowed: true }) : 0n }),
  encode(row, { afterNs }) {
    row.writeBigUInt64LE(afterNs, ruleOffsets.after_ns)
  },
}
