/** What rules have done that are no longer in force. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { RemovedRules } from '../../../../src/engines/supervised/removed.ts'
import { noCounts } from '../../../../src/rules/rule.ts'

test('the last counts of a removed rule stay, and paths that come near it late are added', () => {
  const removed = new RemovedRules()
  const two = { ...noCounts, seen: 2n }
  removed.keep({ rules: new Map([[3, two]]), nearPaths: new Map([[3, ['/a']]]) })
  removed.keep({ rules: new Map(), nearPaths: new Map([[3, ['/b']]]) })
  const now = removed.and({
    rules: new Map([[4, noCounts]]),
    nearPaths: new Map([
      [3, ['/a', '/c']],
      [4, ['/d']],
    ]),
  })
  assert.deepEqual(
    [...now.counts],
    [
      [3, two],
      [4, noCounts],
    ],
  )
  assert.deepEqual(
    [...now.nearPaths],
    [
      [3, ['/a', '/b', '/c']],
      [4, ['/d']],
    ],
  )
})
