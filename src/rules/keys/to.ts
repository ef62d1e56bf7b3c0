/** to=ADDRESS[/BITS], or several, joined by +: only calls, packets and connections to or from such an address. */
import { type Cidr, formatAddress, parseCidr } from '../network-values.ts'
import { BLOCK_SIZE, blockOffsets, ruleOffsets } from '../rule-layout.ts'
import type { Span } from '../span.ts'
import { everyFault, type Key } from './key.ts'
import { refusesPeer } from './peer.ts'

export interface ToKey {
  /** Any of these, never empty. */
  readonly to?: readonly Cidr[]
}

/** RULE_BLOCKS_MAX in bpf/rule.h. */
const mostBlocks = 8

export const to: Key<ToKey> = {
  name: 'to',
  several: true,
  faults: everyFault,
  narrows: true,
  brief: 'to=ADDRESS[/BITS]+ADDRESS',
  field: {
    type: 'text',
    is: 'an address, a block of addresses, or several: 127.0.0.1+::1',
    about: 'Address of the other side, or a block of addresses; several joined by +, or as a list',
    examples: ['10.0.0.0/8', '127.0.0.1+::1', ['127.0.0.0/8', '::1']],
  },
  read: (value, _, others) => (value ? { to: parseBlocks([value, ...others]) } : {}),
  encode(row, { to = [] }) {
    row.writeUInt16LE(to.length, ruleOffsets.to_count)
    for (const [at, block] of to.entries()) {
      const offset = ruleOffsets.to + BLOCK_SIZE * at
      row.set(block.address, offset + blockOffsets.address)
      row.writeUInt8(block.family, offset + blockOffsets.family)
      row.writeUInt8(block.prefix, offset + blockOffsets.prefix)
    }
  },
  refuses: refusesPeer,
  written: ({ to }) =>
    to?.map(({ address, prefix }) => `${formatAddress(address)}/${prefix}`).join('+'),
  covers: (earlier, later) =>
    earlier.to === undefined ||
    (later.to?.every((narrow) => earlier.to?.some((wide) => coversBlock(wide, narrow))) ?? false),
}

function parseBlocks(spans: readonly Span[]): readonly Cidr[] {
  const parts = spans.flatMap((span) => span.split('+'))
  if (parts.length > mostBlocks)
    throw parts[mostBlocks]!.error(
      'MB_FAULT_VALUE',
      `to= takes ${mostBlocks} addresses or blocks at most`,
      'give a second rule for the others',
    )
  return parts.map(parseCidr)
}

function coversBlock(wide: Cidr, narrow: Cidr): boolean {
  if (wide.family !== narrow.family || wide.prefix > narrow.prefix) return false
  return wide.address.every((byte, at) => {
    const bits = Math.min(8, Math.max(0, wide.prefix - at * 8))
    const mask = 256 - 2 ** (8 - bits)
    return (byte & mask) === ((narrow.address[at] ?? 0) & mask)
  })
}
