/** interface=IF: only packets that pass this interface. */
import { parseInterface } from '../network-values.ts'
import { ruleOffsets } from '../rule-layout.ts'
import type { Key } from './key.ts'

export interface InterfaceKey {
  /** Interface name; every interface, loopback included, if absent. */
  readonly interface?: string
}

export const interfaceName: Key<InterfaceKey> = {
  name: 'interface',
  faults: ['drop-net'],
  narrows: true,
  brief: 'interface=IF',
  field: {
    type: 'number or text',
    is: 'the name of an interface',
    about: 'Network interface (default: all)',
  },
  read: (value) => (value ? { interface: parseInterface(value) } : {}),
  encode(row, rule, { interfaceIndex }) {
    if (rule.interface === undefined) return
    row.writeUInt32LE(interfaceIndex(rule.interface), ruleOffsets.ifindex)
  },
  written: (rule) => rule.interface,
  covers: (earlier, later) =>
    earlier.interface === undefined || earlier.interface === later.interface,
}
