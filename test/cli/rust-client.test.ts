/** clients/rust: its own tests. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { fakeControl } from '../helpers/fake-control.ts'
import { identities } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { run, runMinderbinder } from '../helpers/run.ts'
import { buildRustTests } from '../helpers/rust-client.ts'
import { scratch } from '../helpers/scratch.ts'

test('its tests pass, and it holds the conversations of the transcript', async (t) => {
  if (!requires(t, 'cargo')) return
  const { minderbinder, failures, transcript, ...more } = await buildRustTests(scratch(t))
  assert.deepEqual(Object.keys(more).sort(), ['own_filter', 'own_filter_children', 'own_serve'])
  const own = await run([minderbinder!])
  assert.match(own.stdout, /^test result: ok\. [1-9]/m)
  for (const { options } of identities) {
    const args = ['exec', '--control', '--', failures!]
    const { status, stdout, stderr } = await runMinderbinder(args, options)
    assert.equal(status, 0, stdout + stderr)
    assert.match(stdout, /^test result: ok\. [1-9]\d* passed; 0 failed; 0 ignored;/m)
    assert.match(stderr, /clients? injected \d+ faults, which fired [1-9]\d* times$/m)
  }
  const { path, problems } = await fakeControl(t)
  const held = await run([transcript!, '--ignored'], { env: { MINDERBINDER_CONTROL: path } })
  assert.deepEqual([held.status, problems()], [0, []], held.stdout)
  assert.match(held.stdout, /^test result: ok\. 1 passed/m)
})
