/** port=N|N-M, or several, joined by +: only calls, packets and connections to or from such a port of the other side. */
import { type PortRange, parsePort } from '../network-values.ts'
import { PORT_RANGE_SIZE, portRangeOffsets, ruleOffsets } from '../rule-layout.ts'
import type { Span } from '../span.ts'
import { everyFault, type Key } from './key.ts'
import { refusesPeer } from './peer.ts'

export interface PortKey {
  /** Remote port, inclusive ranges, any of which it is in. Ascending, apart from each other, never empty. */
  readonly ports?: readonly PortRange[]
}

/** RULE_PORTS_MAX in bpf/rule.h. */
const mostRanges = 8

export const port: Key<PortKey> = {
  name: 'port',
  several: true,
  faults: everyFault,
  narrows: true,
  brief: 'port=N|N-M+N',
  field: {
    type: 'number or text',
    is: 'a port, a range of ports, or several: 53+853',
    about: 'Port of the other side, or a range of ports; several joined by +, or as a list',
    examples: [443, '8000-8999', '53+853', [53, 853]],
  },
  read: (value, _, others) => (value ? { ports: parsePorts([value, ...others]) } : {}),
  encode(row, { ports = [] }) {
    const isAny = ports.some(({ low, high }) => low <= 1 && high === 65535)
    const ranges = isAny ? [] : ports
    row.writeUInt32LE(ranges.length, ruleOffsets.port_count)
    for (let at = 0; at < mostRanges; at++) {
      const { low, high } = ranges[at] ?? ranges.at(-1) ?? { low: 0, high: 0 }
      const offset = ruleOffsets.ports + PORT_RANGE_SIZE * at
      row.writeUInt16LE(low, offset + portRangeOffsets.low)
      row.writeUInt16LE(high, offset + portRangeOffsets.high)
    }
  },
  refuses: refusesPeer,
  written: ({ ports }) => ports?.map(portText).join('+'),
  covers: (earlier, later) =>
    earlier.ports === undefined ||
    (later.ports?.every(({ low, high }) =>
      earlier.ports?.some((wide) => wide.low <= low && high <= wide.high),
    ) ??
      false),
}

function portText({ low, high }: PortRange): string {
  return low === high ? `${low}` : `${low}-${high}`
}

function parsePorts(spans: readonly Span[]): readonly PortRange[] {
  const parts = spans.flatMap((span) => span.split('+'))
  const ranges = parts.map(parsePort).sort((a, b) => a.low - b.low)
  const apart: PortRange[] = []
  for (const range of ranges) {
    const last = apart.at(-1)
    if (last && range.low <= last.high + 1)
      apart[apart.length - 1] = { low: last.low, high: Math.max(last.high, range.high) }
    else apart.push(range)
  }
  if (apart.length > mostRanges)
    throw parts[mostRanges]!.error(
      'MB_FAULT_VALUE',
      `port= takes ${mostRanges} ports or ranges at most`,
      'give a second rule for the others',
    )
  return apart
}
