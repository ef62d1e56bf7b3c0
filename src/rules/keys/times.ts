/** times=N: how often a rule fires at most. */
import { ruleOffsets } from '../rule-layout.ts'
import { parseInteger } from '../values.ts'
import { everyFault, type Key } from './key.ts'

export interface TimesKey {
  /** Fires at most this often; 0 if there is no limit. */
  readonly times: number
}

export const times: Key<TimesKey> = {
  name: 'times',
  faults: everyFault,
  narrows: false,
  brief: 'times=N',
  field: { type: 'number', is: 'a whole number', about: 'Fires at most this many times' },
  // Exact as a number; nothing is called more often in a run.
  read: (value) => ({
    times: value ? parseInteger(value, 'times', 1, Number.MAX_SAFE_INTEGER) : 0,
  }),
  encode(row, rule) {
    row.writeBigUInt64LE(BigInt(rule.times), ruleOffsets.times)
  },
}
