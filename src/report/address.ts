/** Network addresses as people write them. */
import { printable } from './printable.ts'

// include/linux/socket.h
const AF_UNSPEC = 0
const AF_UNIX = 1
const AF_INET = 2
const AF_INET6 = 10

/** 4 bytes: `127.0.0.1`; 16 bytes: `::1` (RFC 5952, IPv4-mapped ones as `::ffff:127.0.0.1`). */
export function formatAddress(bytes: Uint8Array): string {
  return bytes.length === 4 ? bytes.join('.') : formatIpv6(bytes)
}

/** `127.0.0.1:80`, `[::1]:80`. */
export function formatEndpoint(bytes: Uint8Array, port: number): string {
  const address = formatAddress(bytes)
  return bytes.length === 4 ? `${address}:${port}` : `[${address}]:${port}`
}

/**
 * The bytes of a struct sockaddr, as many as the program passed: `127.0.0.1:80`, `[::1]:80`,
 * `unix:/run/x.sock`, `unix:@abstract`, `family 16` for kinds that are not decoded, `unknown` where too short.
 */
export function formatSockaddr(bytes: Buffer): string {
  if (bytes.length < 2) return 'unknown'
  const family = bytes.readUInt16LE(0)
  if (family === AF_UNIX) return `unix:${unixName(bytes.subarray(2))}`
  if (family === AF_INET && bytes.length >= 8)
    return formatEndpoint(bytes.subarray(4, 8), bytes.readUInt16BE(2))
  if (family === AF_INET6 && bytes.length >= 24)
    return formatEndpoint(bytes.subarray(8, 24), bytes.readUInt16BE(2))
  return family === AF_UNSPEC ? 'unspecified' : `family ${family}`
}

/** unix(7): a leading NUL marks an abstract name, in which every byte counts; a path ends at its NUL. */
function unixName(bytes: Buffer): string {
  if (bytes[0] === 0) return `@${printable(bytes.subarray(1))}`
  const end = bytes.indexOf(0)
  return printable(end < 0 ? bytes : bytes.subarray(0, end))
}

function formatIpv6(bytes: Uint8Array): string {
  const groups = Array.from(
    { length: 8 },
    (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0),
  )
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return `::ffff:${bytes.slice(12).join('.')}`
  const zeros = longestZeros(groups)
  const hex = (some: number[]) => some.map((group) => group.toString(16)).join(':')
  if (zeros.length < 2) return hex(groups)
  return `${hex(groups.slice(0, zeros.start))}::${hex(groups.slice(zeros.start + zeros.length))}`
}

function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  for (let start = 0; start < groups.length; start++) {
    let end = start
    while (end < groups.length && groups[end] === 0) end++
    if (end - start > best.length) best = { start, length: end - start }
  }
  return best
}
