/** Attributes of netlink messages: the pure part of src/kernel/network/netlink.ts. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { attribute, attributes, text, textOf } from '../../../../src/kernel/network/netlink.ts'

test('an attribute is its length, its type and its value, up to a multiple of 4 bytes', () => {
  assert.equal(attribute(3, Buffer.from('abc')).toString('hex'), '0700030061626300')
  assert.equal(attribute(1).toString('hex'), '04000100')
  assert.equal(
    attribute(2, Buffer.from('ab'), Buffer.from('cd')).toString('hex'),
    '0800020061626364',
  )
})

test('attributes come back by their types, nested ones too', () => {
  const nested = attribute(2, attribute(7, text('eth0')), attribute(8, Buffer.from('xyz')))
  const read = attributes(Buffer.concat([attribute(1, Buffer.from('a')), nested]))
  assert.deepEqual([...read.keys()], [1, 2])
  assert.equal(read.get(1)?.toString(), 'a')
  const inner = attributes(read.get(2)!)
  assert.equal(textOf(inner.get(7)), 'eth0')
  assert.equal(inner.get(8)?.toString(), 'xyz')
})

test('the flags that a type may carry are no part of it', () => {
  // NLA_F_NESTED, NLA_F_NET_BYTEORDER (include/uapi/linux/netlink.h)
  for (const flag of [0x8000, 0x4000])
    assert.deepEqual([...attributes(attribute(5 | flag, Buffer.from('a'))).keys()], [5])
})

test('a length that cannot be ends the list, and does not go on for ever', () => {
  const first = attribute(1, Buffer.from('a'))
  assert.deepEqual([...attributes(Buffer.concat([first, Buffer.alloc(8)])).keys()], [1])
  assert.deepEqual([...attributes(Buffer.alloc(3)).keys()], [])
})

test('text ends at its NUL; what is missing is empty', () => {
  assert.equal(text('lo').toString('hex'), '6c6f00')
  assert.equal(textOf(Buffer.from('lo\0rest\n')), 'lo')
  assert.equal(textOf(undefined), '')
})
