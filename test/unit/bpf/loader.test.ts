/** bpf/loader.h: whose a word on the stack is on arm64, whose addresses may be signed. x86_64's part runs in every tier. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { compileC } from '../../helpers/compile-c.ts'
import { Driver } from '../../helpers/driver.ts'
import { has, requires } from '../../helpers/requires.ts'

let driver: Driver

before(() => {
  if (has('cc')) driver = new Driver(compileC('bpf/judge-word.c', ['-fsanitize=address,undefined']))
})
after(() => driver?.end())

/** Where Linux puts them, by the number of bits that an address has (CONFIG_ARM64_VA_BITS). */
const spaces = {
  48: { stack: 0xffff_f7e1_2340n, loader: 0xffff_9c40_1140n, text: 0xaaaa_d5a1_0000n },
  39: { stack: 0x7f_f7e1_2340n, loader: 0x7f_9c40_1140n, text: 0x55_d5a1_0000n },
} as const

for (const [bits, { stack, loader, text }] of Object.entries(spaces)) {
  const whose = (word: bigint) => {
    const numbers = [stack, loader, text, text + 0x8000n, word]
    return driver.ask(`arm64 ${numbers.map((each) => each.toString(16)).join(' ')}`)
  }
  /** With each bit of the signature by itself, all of them, and none: they lie below bit 55. */
  const signatures = [0n, ...Array.from({ length: 55 - Number(bits) }, (_, i) => 1n << BigInt(i))]
  const signed = (address: bigint) =>
    [...signatures, (1n << BigInt(55 - Number(bits))) - 1n].map(
      (signature) => address | (signature << BigInt(bits)),
    )

  test(`addresses of ${bits} bits, signed or not`, async (t) => {
    if (!requires(t, 'cc')) return
    for (const word of signed(loader + 0x20n)) assert.equal(await whose(word), 'loader')
    for (const word of signed(text + 0x40n)) assert.equal(await whose(word), 'program')
    // Not right behind the loader's entry, and not in the program.
    for (const word of [...signed(loader + 0x200n), ...signed(text - 4n), ...signed(stack)])
      assert.equal(await whose(word), 'neither')
    // The kernel's half, and what has a byte on top: no address that a program returns to.
    for (const top of [1n << 55n, 1n << 56n, 1n << 63n])
      assert.equal(await whose(top | (loader + 0x20n)), 'neither')
  })
}

test('what is a call on arm64', async (t) => {
  if (!requires(t, 'cc')) return
  // As GNU as gives them: bl .+4, bl .-4, blr x0, blr x30; b .+4, br x0, ret, nop.
  for (const call of ['94000001', '97ffffff', 'd63f0000', 'd63f03c0'])
    assert.equal(await driver.ask(`calls ${call}`), '1', call)
  for (const other of ['14000001', 'd61f0000', 'd65f03c0', 'd503201f'])
    assert.equal(await driver.ask(`calls ${other}`), '0', other)
})
