/** port=N|N-M: only calls, packets and connections to or from such a port of the other side. */
import { type PortRange, parsePort } from '../network-values.ts'
import { ruleOffsets } from '../rule-layout.ts'
import { everyFault, type Key } from './key.ts'
import { refusesPeer } from './peer.ts'

export interface PortKey {
  /** Remote port, inclusive range. */
  readonly port?: PortRange
}

export const port: Key<PortKey> = {
  name: 'port',
  faults: everyFault,
  narrows: true,
  brief: 'port=N|N-M',
  field: {
    type: 'number or text',
    is: 'a port, or a range of ports',
    about: 'Port of the other side, or a range of ports',
    examples: [443, '8000-8999'],
  },
  read: (value) => (value ? { port: parsePort(value) } : {}),
  encode(row, rule) {
    row.writeUInt16LE(rule.port?.low ?? 0, ruleOffsets.port_low)
    row.writeUInt16LE(rule.port?.high ?? 65535, ruleOffsets.port_high)
  },
  refuses: refusesPeer,
  written(rule) {
    if (rule.port === undefined) return undefined
    const { low, high } = rule.port
    return low === high ? `${low}` : `${low}-${high}`
  },
  covers: (earlier, later) =>
    earlier.port === undefined ||
    (later.port !== undefined &&
      earlier.port.low <= later.port.low &&
      later.port.high <= earlier.port.high),
}
