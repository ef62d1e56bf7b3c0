import assert from 'node:assert/strict'
import test from 'node:test'
import { drawsOf, seedsInSlots } from '../../../src/rules/draw.ts'

test('a rule in another slot draws the same with its own seed, and something else with the same seed', () => {
  const seed = 2n ** 64n - 5n
  const seeds = seedsInSlots([7, 900, 2], { seed, places: [0, 5, 3] })
  for (const [slot, place] of [
    [7, 0],
    [900, 5],
    [2, 3],
  ] as const) {
    const own = seeds.get(slot)!
    assert.ok(own >= 0n && own < 2n ** 64n)
    for (const n of [1n, 2n, 1000n]) {
      assert.deepEqual(drawsOf(own, slot, n), drawsOf(seed, place, n))
      assert.notDeepEqual(drawsOf(seed, slot, n), drawsOf(seed, place, n))
    }
  }
})
