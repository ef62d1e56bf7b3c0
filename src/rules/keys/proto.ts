/** proto=tcp|udp|icmp: only packets of this protocol. */
import { ruleOffsets } from '../rule-layout.ts'
import type { Span } from '../span.ts'
import { type CommonParts, type Key, networkFaults } from './key.ts'
import { oneOf } from './one-of.ts'

export interface ProtoKey {
  readonly protocol?: 'tcp' | 'udp' | 'icmp'
}

/** IPPROTO_*; icmp stands for ICMPv6 too. */
const numbers = { tcp: 6, udp: 17, icmp: 1 } as const
const protocols = ['tcp', 'udp', 'icmp'] as const

export const proto: Key<ProtoKey> = {
  name: 'proto',
  faults: networkFaults,
  narrows: true,
  brief: 'proto=tcp|udp|icmp',
  values: protocols,
  field: { type: 'text', is: 'tcp, udp or icmp', about: 'Protocol' },
  read: (value, parts) => (value ? { protocol: parseProtocol(value, parts) } : {}),
  encode(row, { protocol }) {
    row.writeUInt8(protocol ? numbers[protocol] : 0, ruleOffsets.protocol)
  },
  written: ({ protocol }) => protocol,
  covers: ({ protocol }, later) => protocol === undefined || protocol === later.protocol,
}

function parseProtocol(span: Span, { kind, keys }: CommonParts) {
  const protocol = oneOf(span, protocols)
  if (protocol !== 'icmp') return protocol
  const port = keys.get('port')
  if (port) throw port.error('MB_FAULT_VALUE', 'icmp has no ports', 'leave out port= or proto=icmp')
  if (kind === 'refuse-net')
    throw span.error('MB_FAULT_VALUE', 'icmp has no connections to refuse', 'use --drop-net')
  return protocol
}
