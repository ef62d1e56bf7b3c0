/** Values of the grammar that name a peer: address blocks, ports, interfaces. */
import { quote, type Span } from './span.ts'
import { parseInteger } from './values.ts'

/** An address block: `10.0.0.0/8`, `::1/128`. */
export interface Cidr {
  readonly family: 4 | 6
  /** 4 or 16 bytes, network byte order. */
  readonly address: readonly number[]
  readonly prefix: number
}

/** Inclusive. */
export interface PortRange {
  readonly low: number
  readonly high: number
}

/** `10.0.0.0/8`, `::1`, `2001:db8::/32`; a plain address is a block of one. */
export function parseCidr(span: Span): Cidr {
  const [addressSpan, prefixSpan] = span.cut('/') ?? [span, undefined]
  const text = addressSpan.text
  const v4 = parseIPv4(text)
  const address = v4 ?? parseIPv6(text)
  if (!address) throw notAnAddress(addressSpan)
  const bits = v4 ? 32 : 128
  const prefix = prefixSpan ? parseInteger(prefixSpan, 'the prefix length', 0, bits) : bits
  if (address.some((byte, index) => (byte & ~maskByte(prefix, index)) !== 0)) {
    const block = formatAddress(address.map((byte, index) => byte & maskByte(prefix, index)))
    throw addressSpan.error(
      'MB_FAULT_VALUE',
      `${text} has bits set beyond its prefix of ${prefix}`,
      `write ${block}/${prefix} for the block, or ${text} for the one address`,
    )
  }
  // ::ffff:a.b.c.d is IPv4 on the wire, so an IPv6 rule for it could never match a packet.
  const mapped =
    !v4 && prefix >= 96 && address.slice(0, 12).every((b, i) => b === (i < 10 ? 0 : 255))
  if (mapped) return { family: 4, address: address.slice(12), prefix: prefix - 96 }
  return { family: v4 ? 4 : 6, address, prefix }
}

function notAnAddress(span: Span) {
  const { text } = span
  if (text === '') return span.error('MB_FAULT_SYNTAX', 'the address is missing')
  const hint = text.startsWith('[')
    ? 'write the IPv6 address without brackets, and the port as port=N'
    : text.includes('%')
      ? 'write the address without its zone, and the interface as interface=NAME'
      : 'to= takes an address or a block, such as 10.0.0.0/8 or ::1; host names are not looked up'
  return span.error('MB_FAULT_SYNTAX', `${quote(text)} is not an IP address`, hint)
}

/** The bits of byte `index` of an address that a prefix covers. */
function maskByte(prefix: number, index: number): number {
  const covered = Math.min(8, Math.max(0, prefix - index * 8))
  return 256 - 2 ** (8 - covered)
}

function parseIPv4(text: string): number[] | undefined {
  const bytes = text.split('.')
  // No leading zeros: inet_aton(3) reads those as octal, people as decimal.
  if (bytes.length !== 4 || !bytes.every((byte) => /^(0|[1-9]\d{0,2})$/.test(byte)))
    return undefined
  const numbers = bytes.map(Number)
  return numbers.every((number) => number <= 255) ? numbers : undefined
}

/** RFC 4291, section 2.2: eight groups, one `::`, the last two groups possibly as IPv4. */
function parseIPv6(text: string): number[] | undefined {
  if (text.length > 45) return undefined // INET6_ADDRSTRLEN - 1
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = groups(halves[0] ?? '', halves.length === 1)
  const tail = halves.length === 2 ? groups(halves[1] ?? '', true) : []
  if (!head || !tail) return undefined
  const missing = 16 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined
  return [...head, ...new Array<number>(missing).fill(0), ...tail]
}

function groups(text: string, mayEndInIPv4: boolean): number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    const v4 = mayEndInIPv4 && index === parts.length - 1 ? parseIPv4(part) : undefined
    if (v4) bytes.push(...v4)
    else if (/^[\da-f]{1,4}$/i.test(part)) {
      const group = Number.parseInt(part, 16)
      bytes.push(group >> 8, group & 255)
    } else return undefined
  }
  return bytes
}

/** An address as people write it; IPv6 by RFC 5952 (the longest run of zero groups shortened). */
export function formatAddress(address: readonly number[]): string {
  if (address.length === 4) return address.join('.')
  const words = Array.from({ length: 8 }, (_, i) =>
    ((address[2 * i] ?? 0) * 256 + (address[2 * i + 1] ?? 0)).toString(16),
  )
  const runs = [...words.join(':').matchAll(/\b0(?::0)+\b/g)]
  const longest = runs.reduce<(typeof runs)[number] | undefined>(
    (best, run) => (best && best[0].length >= run[0].length ? best : run),
    undefined,
  )
  const text = words.join(':')
  if (!longest) return text
  const before = text.slice(0, longest.index).replace(/:$/, '')
  const after = text.slice(longest.index + longest[0].length).replace(/^:/, '')
  return `${before}::${after}`
}

/** `10.0.0.0/8`; a block of one address without its prefix. */
export function formatCidr(block: Cidr): string {
  const whole = block.prefix === block.address.length * 8
  return whole ? formatAddress(block.address) : `${formatAddress(block.address)}/${block.prefix}`
}

/** One port or an inclusive range: `443`, `8000-8999`. */
export function parsePort(span: Span): PortRange {
  const hint = portHint(span.text)
  if (hint !== undefined)
    throw span.error(
      'MB_FAULT_SYNTAX',
      `${quote(span.text)} is not a port or a range of ports`,
      hint,
    )
  const [lowSpan, highSpan] = span.cut('-') ?? [span, undefined]
  const low = parseInteger(lowSpan, 'the port', 1, 65535)
  if (!highSpan) return { low, high: low }
  const high = parseInteger(highSpan, 'the last port', 1, 65535)
  if (high < low)
    throw span.error('MB_FAULT_VALUE', `the range of ports ${quote(span.text)} is empty`)
  return { low, high }
}

/** Of what people write for several ports; undefined for all else. */
function portHint(text: string): string | undefined {
  if (/^\d{1,5}(\.\.|:)\d{1,5}$/.test(text)) return `did you mean ${text.replace(/\.\.|:/, '-')}?`
  if (/^\d+[|;/ ]/.test(text)) return 'several ports are joined by +: port=53+853'
  if (text.startsWith('!'))
    return 'port= cannot be negated: write the range below and the one above'
  if (/^[a-z]/i.test(text))
    return 'write the number of the port: names of services are not looked up'
  return undefined
}

/** A name that the kernel would accept for an interface (dev_valid_name(), net/core/dev.c). */
export function parseInterface(span: Span): string {
  const { text } = span
  const valid =
    /^[^\s/:]+$/.test(text) && text !== '.' && text !== '..' && Buffer.byteLength(text) <= 15
  if (!valid)
    throw span.error(
      'MB_FAULT_VALUE',
      text === '' ? 'interface= is empty' : `${quote(text)} cannot be the name of an interface`,
      'the names here: ip -brief link',
    )
  return text
}
