/** clients/go: its own tests. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { fakeControl } from '../helpers/fake-control.ts'
import { compiledGoClient, goClient } from '../helpers/go-client.ts'
import { identities } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { run, runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

const skipped = ['--- SKIP: TestPart', '--- SKIP: TestTranscript']

test('its tests pass, and it holds the conversations of the transcript', async (t) => {
  if (!requires(t, 'go')) return
  const program = await compiledGoClient(scratch(t))
  for (const { options } of identities) {
    const args = ['exec', '--control', '--', program, '-test.v']
    const { status, stdout, stderr } = await runMinderbinder(args, options)
    assert.equal(status, 0, stdout + stderr)
    assert.deepEqual(stdout.match(/^--- SKIP: \S+/gm), skipped)
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
  const { stdout } = await run(['gofmt', '-l', goClient])
  assert.equal(stdout, '')
})

test('it compiles for arm64, too', async (t) => {
  if (!requires(t, 'go')) return
  const { status, stderr } = await run(['go', 'vet', '.'], {
    cwd: goClient,
    env: { CGO_ENABLED: '0', GOFLAGS: '', GOPROXY: 'off', GOARCH: 'arm64' },
    timeout: 120_000,
  })
  assert.equal(status, 0, stderr)
})
