/** gracePeriod(): how the kernel is made to wait for its BPF programs. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { gracePeriod } from '../../src/kernel/grace-period.ts'
import { requires } from '../helpers/requires.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'

test('the kernel waits; what asks in the meantime gets the next period, all of it the same one', async (t) => {
  if (!requires(t, 'root', 'libbpf')) return
  const state = systemState()
  const first = gracePeriod()
  assert.equal(gracePeriod(), first)
  await Promise.resolve() // it begins
  const second = gracePeriod()
  assert.notEqual(second, first)
  assert.equal(gracePeriod(), second)
  assert.deepEqual(await Promise.all([first, second]), [true, true])
  await nothingLeft(state)
})
