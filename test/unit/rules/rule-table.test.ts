/** Rules that come and go, by their slots. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { parseSyscallFault } from '../../../src/rules/grammar.ts'
import { RuleTable } from '../../../src/rules/rule-table.ts'

const [a, b, c] = ['EIO', 'EPERM', 'EACCES'].map((errno) =>
  parseSyscallFault(`openat=${errno}`, { arch: 'x86_64' }),
)

test('a slot is given once, and each rule has the time that it was in force', () => {
  const table = new RuleTable([a!])
  assert.deepEqual([table.next(2), table.isLive(0), table.isLive(1)], [[1, 2], true, false])
  assert.deepEqual(table.change([b!, c!], [0]), [1, 2])
  assert.deepEqual(table.change([a!], [2]), [3])
  assert.deepEqual(
    [table.all, table.live],
    [
      [a, b, c, a],
      [b, a],
    ],
  )
  assert.deepEqual([table.isLive(0), table.isLive(3)], [false, true])
  assert.deepEqual(
    table.lives.map(({ from, to }) => [from, to]),
    [
      [0, 1],
      [1, Number.POSITIVE_INFINITY],
      [1, 2],
      [2, Number.POSITIVE_INFINITY],
    ],
  )
})

test('what was given out before a change stays as it was', () => {
  const table = new RuleTable([a!])
  const { all, lives } = table
  table.change([b!], [0])
  assert.deepEqual([all, lives], [[a], [{ from: 0, to: Number.POSITIVE_INFINITY }]])
})
