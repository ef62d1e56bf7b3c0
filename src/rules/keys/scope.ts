/** scope=tree|process|thread: over what when= and times= count. */
import { ruleOffsets } from '../rule-layout.ts'
import type { Key } from './key.ts'
import { oneOf } from './one-of.ts'

export interface ScopeKey {
  readonly scope: 'tree' | 'process' | 'thread'
}

/** In the order of enum rule_scope in bpf/rule.h, from 0. */
const scopes = ['tree', 'process', 'thread'] as const

export const scope: Key<ScopeKey> = {
  name: 'scope',
  faults: ['syscall'],
  narrows: false,
  brief: 'scope=tree|process|thread',
  values: scopes,
  field: {
    type: 'text',
    is: 'tree, process or thread',
    about:
      'What when and times count in: the whole tree, each process or each thread (default: tree)',
  },
  read: (value) => ({ scope: value ? oneOf(value, scopes) : 'tree' }),
  encode(row, rule) {
    row.writeUInt32LE(scopes.indexOf(rule.scope), ruleOffsets.scope)
  },
}
