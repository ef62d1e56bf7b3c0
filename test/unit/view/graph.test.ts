import assert from 'node:assert/strict'
import test from 'node:test'
import { graph } from '../../../src/view/graph.ts'

test('bars stand on the bottom row, the newest at the right, the highest at full height', () => {
  assert.deepEqual(graph([0, 4, 8, 16], 6, 2, 'unicode'), {
    top: 16,
    rows: ['     █', '   ▄██'],
  })
  assert.deepEqual(graph([3, 1.5, 0], 3, 1, 'ascii').rows, ['|: '])
})

test('more values than columns: the oldest are left out, and the scale is that of what is shown', () => {
  assert.deepEqual(graph([1000, 1, 2], 2, 1, 'unicode'), { top: 2, rows: ['▄█'] })
})

test('a value above 0 is never drawn as nothing, and 0 always is', () => {
  assert.deepEqual(graph([1, 1_000_000, 0], 3, 1, 'unicode').rows, ['▁█ '])
  assert.deepEqual(graph([0, 0], 3, 2, 'unicode'), { top: 0, rows: ['   ', '   '] })
})

test('no room, no values: no rows, or blank ones', () => {
  assert.deepEqual(graph([1, 2], 0, 1, 'unicode').rows, [''])
  assert.deepEqual(graph([1, 2], 4, 0, 'unicode').rows, [])
  assert.deepEqual(graph([], 2, 1, 'ascii').rows, ['  '])
})
