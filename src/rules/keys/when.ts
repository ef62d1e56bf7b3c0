/** when=EXPR: which of the matches can fail. */
import { ruleOffsets } from '../rule-layout.ts'
import { always, parseWhen, type When } from '../values.ts'
import { everyFault, type Key } from './key.ts'

export interface WhenKey {
  readonly when: When
}

/** when_last if there is no upper end: WHEN_NO_END in bpf/rule.h. */
const noUpperEnd = 2 ** 32 - 1

export const when: Key<WhenKey> = {
  name: 'when',
  faults: everyFault,
  narrows: false,
  brief: 'when=3|3+|3+2|3..9|3..9+2',
  field: {
    type: 'number or text',
    is: 'a choice of occurrences, such as 2+',
    about: 'Only these of the matches: F, F+, F+S, F..L or F..L+S',
    examples: [3, '2+', '1..9+2'],
  },
  read: (value) => ({ when: value ? parseWhen(value) : always }),
  encode(row, { when: { first, last, step } }) {
    row.writeUInt32LE(first, ruleOffsets.when_first)
    row.writeUInt32LE(Math.min(last, noUpperEnd), ruleOffsets.when_last)
    row.writeUInt32LE(step, ruleOffsets.when_step)
  },
}
