/** scope=tree|process: over what when= and times= count. */
import { ruleOffsets } from '../rule-layout.ts'
import type { Key } from './key.ts'
import { oneOf } from './one-of.ts'

export interface ScopeKey {
  readonly scope: 'tree' | 'process'
}

/** In the order of enum rule_scope in bpf/rule.h, from 0. */
const scopes = ['tree', 'process'] as const

export const scope: Key<ScopeKey> = {
  name: 'scope',
  faults: ['syscall'],
  narrows: false,
  brief: 'scope=tree|process',
  values: scopes,
  field: {
    type: 'text',
    is: 'tree or process',
    about: 'What when and times count in: the whole tree or each process (tree)',
  },
  read: (value) => ({ scope: value ? oneOf(value, scopes) : 'tree' }),
  encode(row, rule) {
    row.writeUInt32LE(scopes.indexOf(rule.scope), ruleOffsets.scope)
  },
}
