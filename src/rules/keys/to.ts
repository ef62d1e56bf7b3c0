/** to=ADDRESS[/BITS]: only calls, packets and connections to or from this address. */
import { type Cidr, formatAddress, parseCidr } from '../network-values.ts'
import { addFlag, ruleFlags, ruleOffsets } from '../rule-layout.ts'
import { everyFault, type Key } from './key.ts'
import { refusesPeer } from './peer.ts'

export interface ToKey {
  readonly to?: Cidr
}

export const to: Key<ToKey> = {
  name: 'to',
  faults: everyFault,
  narrows: true,
  brief: 'to=ADDRESS[/BITS]',
  field: {
    type: 'text',
    is: 'an address, or a block of addresses',
    about: 'Address of the other side, or a block of addresses',
    examples: ['10.0.0.0/8', '::1'],
  },
  read: (value) => (value ? { to: parseCidr(value) } : {}),
  encode(row, rule) {
    if (rule.to === undefined) return
    addFlag(row, ruleFlags.to)
    row.writeUInt8(rule.to.family, ruleOffsets.to_family)
    row.writeUInt8(rule.to.prefix, ruleOffsets.to_prefix)
    row.set(rule.to.address, ruleOffsets.to)
  },
  refuses: refusesPeer,
  written: (rule) => rule.to && `${formatAddress(rule.to.address)}/${rule.to.prefix}`,
  covers: (earlier, later) =>
    earlier.to === undefined || (later.to !== undefined && coversBlock(earlier.to, later.to)),
}

function coversBlock(wide: Cidr, narrow: Cidr): boolean {
  if (wide.family !== narrow.family || wide.prefix > narrow.prefix) return false
  return wide.address.every((byte, at) => {
    const bits = Math.min(8, Math.max(0, wide.prefix - at * 8))
    const mask = 256 - 2 ** (8 - bits)
    return (byte & mask) === ((narrow.address[at] ?? 0) & mask)
  })
}
