/** clients/rust: its own tests. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { fakeControl } from '../helpers/fake-control.ts'
import { identities } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { run, runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { clientsFolder } from '../helpers/transcript.ts'

/** Its tests as programs: those of the library, `failures` and `transcript`. It needs no network: there are no dependencies. */
async function compiled(t: TestContext): Promise<readonly string[]> {
  const done = await run(['cargo', 'test', '--offline', '--locked', '--no-run', '--tests'], {
    cwd: join(clientsFolder, 'rust'),
    env: {
      CARGO_TARGET_DIR: scratch(t),
      CARGO_INCREMENTAL: '0',
      CARGO_PROFILE_DEV_DEBUG: '0',
      RUSTFLAGS: '-D warnings',
    },
    timeout: 240_000,
  })
  assert.equal(done.status, 0, done.stderr)
  return [...done.stderr.matchAll(/^ +Executable .* \((.*)\)$/gm)].map(([, path]) => path!)
}

test('its tests pass, and it holds the conversations of the transcript', async (t) => {
  if (!requires(t, 'cargo')) return
  const [library, failures, transcript, ...more] = await compiled(t)
  assert.deepEqual(
    [/failures-/.test(failures!), /transcript-/.test(transcript!), more],
    [true, true, []],
  )
  const own = await run([library!])
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
