import assert from 'node:assert/strict'
import { parseNetworkFault } from '../../src/rules/grammar.ts'
import type { NetworkRule } from '../../src/rules/rule.ts'

/** `drop-net 100%,port=9` */
export function networkRule(fault: string): NetworkRule {
  const [kind, text = ''] = fault.split(' ')
  assert.ok(kind === 'drop-net' || kind === 'refuse-net')
  return parseNetworkFault(kind, text)
}
