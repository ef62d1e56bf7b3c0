/** Whether a process has gained privileges, from what /proc shows of it. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { gainedPrivileges, tellsOfGain } from '../../../src/targets/privileges.ts'

const [AT_NULL, AT_PHDR, AT_UID, AT_EUID, AT_GID, AT_EGID, AT_SECURE] = [0, 3, 11, 12, 13, 14, 23]

/** As the kernel writes it; by default an ordinary user's ordinary program. */
function vector(given: Readonly<Record<number, number>> = {}, bits: 32 | 64 = 64): Buffer {
  const ids = { [AT_UID]: 1000, [AT_EUID]: 1000, [AT_GID]: 1000, [AT_EGID]: 1000, [AT_SECURE]: 0 }
  const pairs = [[AT_PHDR, 0x5555_5040], ...Object.entries({ ...ids, ...given }), [AT_NULL, 0]]
  const words = pairs.flat().map(Number)
  const bytes = Buffer.alloc(words.length * (bits / 8))
  for (const [at, word] of words.entries())
    if (bits === 64) bytes.writeBigUInt64LE(BigInt(word), at * 8)
    else bytes.writeUInt32LE(word, at * 4)
  return bytes
}

function status(permitted = 0n, ambient = 0n): string {
  const hex = (bits: bigint) => bits.toString(16).padStart(16, '0')
  return `Name:\tx\nUid:\t1000\t1000\t1000\t1000\nCapPrm:\t${hex(permitted)}\nCapAmb:\t${hex(ambient)}\n`
}

const secure = { [AT_SECURE]: 1 }

for (const bits of [64, 32] as const)
  test(`set-user-ID and set-group-ID programs, of ${bits} bits`, () => {
    const tells = (given: Readonly<Record<number, number>>) =>
      tellsOfGain(vector(given, bits), status())
    assert.ok(!tells({}))
    assert.ok(tells({ ...secure, [AT_EUID]: 0 }))
    assert.ok(tells({ ...secure, [AT_EUID]: 33 }))
    assert.ok(tells({ ...secure, [AT_EGID]: 42 }))
    // Root's own programs gain nothing, whatever their bits are.
    assert.ok(!tells({ ...secure, [AT_UID]: 0, [AT_EUID]: 33 }))
  })

test('capabilities of a file; not those of a service, nor what a security module calls secure', () => {
  const tells = (
    permitted: bigint,
    ambient = 0n,
    given: Readonly<Record<number, number>> = secure,
  ) => tellsOfGain(vector(given), status(permitted, ambient))
  assert.ok(tells(0x2000n))
  assert.ok(tells(0x3000n, 0x1000n))
  assert.ok(!tells(0x2000n, 0x2000n))
  assert.ok(!tells(0n))
  assert.ok(!tells(0x1ff_ffff_ffffn, 0n, { ...secure, [AT_UID]: 0, [AT_EUID]: 0 }))
  assert.ok(!tells(0x2000n, 0n, {}))
})

test('of ourselves; and what cannot be read is taken for privileged', () => {
  assert.equal(gainedPrivileges(process.pid), false)
  assert.equal(readFileSync('/proc/self/auxv').length % 16, 0)
  assert.equal(gainedPrivileges(2 ** 22 + 1), true)
})
