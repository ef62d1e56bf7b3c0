/** What `run` says of a SIGHUP: which rules are in force after it. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { reload } from '../../../../src/cli/run/reload.ts'
import { MinderbinderError } from '../../../../src/errors.ts'
import type { MachineChanged } from '../../../../src/session/machine-session.ts'
import type { SessionSnapshot } from '../../../../src/session/session.ts'

const rules = { rules: [], engines: new Map(), skipped: [], warnings: [] }
const failure = new MinderbinderError('MB_ATTACH', 'the link is busy')
const before: SessionSnapshot = {
  ...{ rules: [], engines: [], counts: [], notes: [], nearPaths: new Map() },
  ...{ lostEvents: 0n, foreignCalls: 0n },
}

async function said(
  change: () => Promise<MachineChanged>,
  planned: Parameters<typeof reload>[1] = { rules },
) {
  const lines: string[] = []
  const replaced: (SessionSnapshot | undefined)[] = []
  await reload(
    { change },
    planned,
    { say: (text) => lines.push(...text.trimEnd().split('\n')), introduce() {} },
    { replaced: (before) => replaced.push(before), summary: () => 'the summary\n' },
  )
  return { lines, replaced }
}

test('rules that were replaced, cleanly or not, are not said to stay', async () => {
  const news = ['minderbinder: read again: 0 rules', 'minderbinder: the rules before:']
  const clean = await said(async () => ({ slots: [], before }))
  assert.deepEqual(clean, { lines: [...news, 'the summary'], replaced: [before] })
  const trouble = [
    'minderbinder: the link is busy [MB_ATTACH]',
    'minderbinder: the new rules are in force, but the rules before did not end cleanly',
  ]
  const unclean = await said(async () => ({ slots: [], before, failure }))
  assert.deepEqual(unclean, { lines: [...news, 'the summary', ...trouble], replaced: [before] })
  const unknown = await said(async () => ({ slots: [], failure }))
  const nothing = 'minderbinder: what they did is not known'
  assert.deepEqual(unknown, { lines: [...news, nothing, ...trouble], replaced: [undefined] })
})

test('rules stay if the change is refused, or if the files have none', async () => {
  const stay = [
    'minderbinder: the link is busy [MB_ATTACH]',
    'minderbinder: the rules stay as they were',
  ]
  const refused = await said(() => Promise.reject(failure))
  assert.deepEqual(refused, { lines: stay, replaced: [] })
  const invalid = await said(async () => assert.fail('nothing is to change'), { error: failure })
  assert.deepEqual(invalid, { lines: stay, replaced: [] })
})
