import assert from 'node:assert/strict'
import test from 'node:test'
import { parseRequest } from '../../../src/control/messages.ts'

const inject = { type: 'inject', faults: ['openat=EIO', 'read=EIO'], scope: 'exec' }

test('inject takes a seed, and a place for each fault', () => {
  const drawn = (fields: object) =>
    (parseRequest({ ...inject, ...fields }) as { draws: unknown }).draws
  assert.equal(drawn({}), undefined)
  assert.deepEqual(drawn({ seed: '18446744073709551615' }), {
    seed: 2n ** 64n - 1n,
    places: [0, 1],
  })
  assert.deepEqual(drawn({ seed: '7', places: [4, 2] }), { seed: 7n, places: [4, 2] })
  const wrong = [
    { seed: 7 },
    { seed: '-1' },
    { seed: '18446744073709551616' },
    { places: [0, 1] },
    { seed: '7', places: [0] },
    { seed: '7', places: [0, -1] },
    { seed: '7', places: [0, 0.5] },
    { seed: '7', places: 'all' },
    { events: 1 },
    { only: 'drop-net' },
    { only: 'network', seed: '7' },
  ]
  for (const fields of wrong)
    assert.throws(() => drawn(fields), { code: 'MB_CONTROL' }, JSON.stringify(fields))
})
