/** proto=tcp|udp|icmp: only this protocol. Connections that are refused are TCP's: resolvers connect UDP sockets. */
import { ruleOffsets } from '../rule-layout.ts'
import type { Span } from '../span.ts'
import { type CommonParts, everyFault, type Key } from './key.ts'
import { oneOf } from './one-of.ts'
import { refusesPeer } from './peer.ts'

export interface ProtoKey {
  readonly protocol?: 'tcp' | 'udp' | 'icmp'
}

/** IPPROTO_*; icmp stands for ICMPv6 too. */
const numbers = { tcp: 6, udp: 17, icmp: 1 } as const
const protocols = ['tcp', 'udp', 'icmp'] as const

export const proto: Key<ProtoKey> = {
  name: 'proto',
  faults: everyFault,
  narrows: true,
  brief: 'proto=tcp|udp|icmp',
  values: protocols,
  field: {
    type: 'text',
    is: 'tcp, udp or icmp',
    about: 'Protocol (default: all; with outcome refuse, tcp)',
  },
  read(value, parts) {
    if (value) return { protocol: parseProtocol(value, parts) }
    return parts.kind === 'refuse-net' ? { protocol: 'tcp' } : {}
  },
  encode(row, { protocol }) {
    row.writeUInt8(protocol ? numbers[protocol] : 0, ruleOffsets.protocol)
  },
  refuses: refusesPeer,
  written: ({ protocol }) => protocol,
  covers: ({ protocol }, later) => protocol === undefined || protocol === later.protocol,
}

function parseProtocol(span: Span, { kind, keys }: CommonParts) {
  const protocol = oneOf(span, protocols)
  if (protocol !== 'icmp') return protocol
  const [port] = keys.get('port') ?? []
  if (port) throw port.error('MB_FAULT_VALUE', 'icmp has no ports', 'leave out port= or proto=icmp')
  if (kind === 'refuse-net')
    throw span.error('MB_FAULT_VALUE', 'icmp has no connections to refuse', 'use --drop-net')
  return protocol
}
