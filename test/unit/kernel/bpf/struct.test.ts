/** Structures by C's names: src/kernel/bpf/struct.ts. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { struct } from '../../../../src/kernel/bpf/struct.ts'

test('a structure of node’s: C’s rules of alignment, values by name, and what is too long is refused', () => {
  const example = struct({ small: 'u32', large: 'u64', part: 3 })
  assert.deepEqual(example.offsets, { small: 0, large: 8, part: 16 })
  assert.equal(example.size, 24)
  const bytes = example.encode({ small: 1, large: 2n ** 63n, part: Buffer.from('abc') })
  example.write(bytes, { small: 7 })
  assert.equal(example.read(bytes, 'small'), 7)
  assert.equal(example.read(bytes, 'large'), 2n ** 63n)
  assert.equal(example.read(bytes, 'part').toString(), 'abc')
  assert.throws(() => example.write(bytes, { part: Buffer.from('ab') }), RangeError)
})
