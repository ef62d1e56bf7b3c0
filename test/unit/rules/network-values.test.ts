import assert from 'node:assert/strict'
import { isIPv4, isIPv6 } from 'node:net'
import test from 'node:test'
import fc from 'fast-check'
import { MinderbinderError } from '../../../src/errors.ts'
import { formatAddress, formatCidr, parseCidr } from '../../../src/rules/network-values.ts'
import { Span } from '../../../src/rules/span.ts'

const cidr = (text: string) => parseCidr(new Span(text))
const bytes = (...groups: number[]) => groups.flatMap((group) => [group >> 8, group & 255])

test('addresses and blocks', () => {
  assert.deepEqual(cidr('127.0.0.1'), { family: 4, address: [127, 0, 0, 1], prefix: 32 })
  assert.deepEqual(cidr('0.0.0.0/0'), { family: 4, address: [0, 0, 0, 0], prefix: 0 })
  assert.deepEqual(cidr('10.128.0.0/9'), { family: 4, address: [10, 128, 0, 0], prefix: 9 })
  assert.deepEqual(cidr('::'), { family: 6, address: new Array(16).fill(0), prefix: 128 })
  const block = { family: 6, address: bytes(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), prefix: 33 }
  assert.deepEqual(cidr('2001:DB8::/33'), block)
  assert.deepEqual(cidr('1:2:3:4:5:6:7:8').address, bytes(1, 2, 3, 4, 5, 6, 7, 8))
  assert.deepEqual(cidr('64:ff9b::1.2.3.4').address, bytes(0x64, 0xff9b, 0, 0, 0, 0, 0x102, 0x304))
})

test('an IPv4 address inside an IPv6 one is IPv4, as on the wire', () => {
  assert.deepEqual(cidr('::ffff:10.0.0.0/104'), { family: 4, address: [10, 0, 0, 0], prefix: 8 })
  assert.deepEqual(cidr('::ffff:0:0/96'), { family: 4, address: [0, 0, 0, 0], prefix: 0 })
  assert.equal(cidr('::fffe:0:0/95').family, 6)
})

test('the same texts are addresses as for the C library', () => {
  const piece = fc.constantFrom(
    '',
    '0',
    '1',
    '9',
    'ff',
    'abcd',
    '255',
    '256',
    '01',
    '10.0.0.1',
    'g',
  )
  const joined = (separator: string) =>
    fc.array(piece, { minLength: 1, maxLength: 9 }).map((parts) => parts.join(separator))
  const text = fc.oneof(joined(':'), joined('.'), fc.ipV4(), fc.ipV6(), fc.string())
  fc.assert(
    fc.property(
      text.filter((candidate) => !/[/%]/.test(candidate)),
      (candidate) => {
        if (isIPv4(candidate) || isIPv6(candidate)) cidr(candidate)
        else assert.throws(() => cidr(candidate), MinderbinderError)
      },
    ),
    { numRuns: 3000 },
  )
})

test('what is formatted reads as the same address', () => {
  const address = fc.oneof(
    fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 4, maxLength: 4 }),
    fc.array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 }),
  )
  fc.assert(
    fc.property(address, (numbers) => {
      const parsed = cidr(formatAddress(numbers))
      const mapped = parsed.family === 4 && numbers.length === 16
      assert.deepEqual(parsed.address, mapped ? numbers.slice(12) : numbers)
    }),
    { numRuns: 1000 },
  )
  // RFC 5952, section 4.2
  assert.equal(formatCidr(cidr('2001:0:0:1:0:0:0:1')), '2001:0:0:1::1')
  assert.equal(formatCidr(cidr('2001:db8:0:1:1:1:1:1')), '2001:db8:0:1:1:1:1:1')
  assert.equal(formatCidr(cidr('2001:db8::/32')), '2001:db8::/32')
})
