/** What changed, in lines that can be grepped. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { activityLines, startLines, stopLine } from '../../../src/report/activity-lines.ts'
import { activity, ruleActivity } from '../../helpers/activity.ts'

test('the start says what runs, the stop for how long', () => {
  assert.deepEqual(startLines('run config.yaml', 1, '17'), [
    'minderbinder: start: run config.yaml: 1 rule, seed 17\n',
  ])
  assert.equal(stopLine(12.345), 'minderbinder: stop: after 12.3 s\n')
})

test('one line for each rule that fired since, none for the others', () => {
  const before = activity({ rules: [ruleActivity('a', 10, 2), ruleActivity('b', 4, 1)] })
  const now = activity({ rules: [ruleActivity('a', 20, 5), ruleActivity('b', 9, 1)] })
  assert.deepEqual(activityLines(before, now), [
    'minderbinder: fired: a 5 (+3), matched 20, seen 20, by seccomp\n',
  ])
  assert.deepEqual(activityLines(now, now), [])
  assert.deepEqual(activityLines(undefined, activity({ rules: [ruleActivity('a', 1, 1)] })), [
    'minderbinder: fired: a 1 (+1), matched 1, seen 1, by seccomp\n',
  ])
})

test('after the file was read again a rule counts from its own beginning', () => {
  const before = activity({ rules: [ruleActivity('a', 10, 9)] })
  const now = activity({ rules: [ruleActivity('b', 10, 9)] })
  assert.match(activityLines(before, now).join(''), /fired: b 9 \(\+9\)/)
})

test('targets, where their number has changed; at most five by name', () => {
  const targets = Array.from({ length: 8 }, (_, index) => ({
    pid: index,
    name: `p${index}`,
    rules: [],
  }))
  assert.deepEqual(activityLines(activity(), activity({ targets })), [
    'minderbinder: targets: 8 (+8): p0, p1 1, p2 2, p3 3, p4 4, 3 more\n',
  ])
  assert.deepEqual(activityLines(activity({ targets }), activity()), [
    'minderbinder: targets: 0 (-8)\n',
  ])
})

test('lost events are said once', () => {
  const lost = activity({ lostEvents: 7n })
  assert.deepEqual(activityLines(activity(), lost), [
    'minderbinder: lost: 7 injections not reported\n',
  ])
  assert.deepEqual(activityLines(lost, lost), [])
})

test('a name is one line, whatever it holds', () => {
  const targets = [{ pid: 3, name: 'a\nminderbinder: stop', rules: [] }]
  assert.deepEqual(activityLines(undefined, activity({ targets })), [
    'minderbinder: targets: 1 (+1): a\\x0aminderbinder: stop 3\n',
  ])
})
