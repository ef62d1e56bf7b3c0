/** clients/go: its own tests. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { fakeControl } from '../helpers/fake-control.ts'
import { identities } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { run, runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { clientsFolder } from '../helpers/transcript.ts'

/** Its tests as a program. It needs no network: there are no dependencies. */
async function compiled(t: TestContext): Promise<string> {
  const program = join(scratch(t), 'go.test')
  const done = await run(['go', 'test', '-vet=all', '-c', '-o', program, '.'], {
    cwd: join(clientsFolder, 'go'),
    env: { CGO_ENABLED: '0', GOFLAGS: '', GOPROXY: 'off' },
    timeout: 120_000,
  })
  assert.equal(done.status, 0, done.stderr)
  return program
}

test('its tests pass, and it holds the conversations of the transcript', async (t) => {
  if (!requires(t, 'go')) return
  const program = await compiled(t)
  for (const { options } of identities) {
    const args = ['exec', '--control', '--', program, '-test.v']
    const { status, stdout, stderr } = await runMinderbinder(args, options)
    assert.equal(status, 0, stdout + stderr)
    assert.deepEqual(stdout.match(/^--- SKIP: \S+/gm), ['--- SKIP: TestTranscript'])
    assert.match(stderr, /clients injected \d+ faults, which fired [1-9]\d* times$/m)
  }
  const { path, problems } = await fakeControl(t)
  const { status, stdout } = await run([program, '-test.run=TestTranscript', '-test.v'], {
    env: { MINDERBINDER_CONTROL: path, MINDERBINDER_TRANSCRIPT: '1' },
  })
  assert.deepEqual([status, problems()], [0, []], stdout)
  assert.match(stdout, /^--- PASS: TestTranscript/m)
})

test('its code is formatted', async (t) => {
  if (!requires(t, 'go')) return
  const { stdout } = await run(['gofmt', '-l', join(clientsFolder, 'go')])
  assert.equal(stdout, '')
})
