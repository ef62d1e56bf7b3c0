/** Counters become rates per second. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { History } from '../../../src/view/history.ts'
import { activity, ruleActivity } from '../../helpers/activity.ts'

test('a rate is the difference of two looks by the time between them', () => {
  const history = new History()
  history.add(activity({ atMs: 1000, rules: [ruleActivity('a', 100, 10)] }))
  assert.deepEqual(history.rule(0), { seen: [], fired: [] })
  history.add(activity({ atMs: 1500, rules: [ruleActivity('a', 150, 11)] }))
  history.add(activity({ atMs: 3500, rules: [ruleActivity('a', 150, 15)] }))
  assert.deepEqual(history.rule(0), { seen: [100, 0], fired: [2, 2] })
  assert.equal(history.seconds, 2.5)
})

test('calls and context switches too; where nobody counts there are none', () => {
  const history = new History()
  const calls = (count: bigint) => ({
    ...{ succeeded: count, failed: count / 2n, contextSwitches: 0n, byCall: [] },
  })
  history.add(activity({ atMs: 0, calls: calls(0n) }))
  history.add(activity({ atMs: 1000, calls: calls(10n) }))
  assert.deepEqual(history.calls, { succeeded: [10], failed: [5], contextSwitches: [0] })
  history.add(activity({ atMs: 2000 }))
  assert.equal(history.calls, undefined)
})

test('another rule in the same place begins anew, and so does a counter that goes back', () => {
  const history = new History()
  history.add(activity({ atMs: 0, rules: [ruleActivity('a', 500, 500)] }))
  history.add(activity({ atMs: 1000, rules: [ruleActivity('b', 7, 7)] }))
  assert.deepEqual(history.rule(0).seen, [])
  history.add(activity({ atMs: 2000, rules: [ruleActivity('b', 3, 3)] }))
  assert.deepEqual(history.rule(0).seen, [3])
})

test('two looks at the same moment are no division by zero', () => {
  const history = new History()
  history.add(activity({ atMs: 5, rules: [ruleActivity('a', 0, 0)] }))
  history.add(activity({ atMs: 5, rules: [ruleActivity('a', 9, 9)] }))
  history.add(activity({ atMs: 1005, rules: [ruleActivity('a', 9, 9)] }))
  assert.deepEqual(history.rule(0).seen, [9])
})

test('it does not grow for ever', () => {
  const history = new History()
  for (let i = 0; i < 1000; i++)
    history.add(activity({ atMs: i * 1000, rules: [ruleActivity('a', i * i, 0)] }))
  const { seen } = history.rule(0)
  assert.ok(seen.length <= 400)
  assert.equal(seen.at(-1), 999 ** 2 - 998 ** 2)
})
