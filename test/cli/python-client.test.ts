/** clients/python: its own tests, and the example of its README. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import test from 'node:test'
import { fakeControl } from '../helpers/fake-control.ts'
import { unprivileged } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, run, runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { clientsFolder } from '../helpers/transcript.ts'

const client = join(clientsFolder, 'python')
const env = { PYTHONPATH: client, PYTHONDONTWRITEBYTECODE: '1' }
const unittest = ['exec', '--control', '--', '/usr/bin/python3', '-m', 'unittest']

test('its tests pass', async (t) => {
  if (!requires(t, 'python3')) return
  for (const options of [{}, unprivileged.options]) {
    const more = ['discover', '-s', join(client, 'tests')]
    const { status, stderr } = await runMinderbinder([...unittest, ...more], { env, ...options })
    assert.equal(status, 0, stderr)
    assert.match(stderr, /^Ran 10 tests/m)
  }
})

test('it holds the conversations of the transcript', async (t) => {
  if (!requires(t, 'python3')) return
  const { path, problems } = await fakeControl(t)
  const more = { MINDERBINDER_CONTROL: path }
  const command = ['/usr/bin/python3', join(client, 'tests/transcript.py')]
  const { status, stderr } = await run(command, { env: { ...env, ...more } })
  assert.deepEqual([status, problems()], [0, []], stderr)
})

test('the example of its README passes', async (t) => {
  if (!requires(t, 'python3')) return
  const readme = readFileSync(join(client, 'README.md'), 'utf8')
  const [, example] = /```python\n([\s\S]*?)```/.exec(readme) ?? []
  const cwd = scratch(t)
  writeFileSync(join(cwd, 'test_greeting.py'), example!)
  const PATH = [dirname(minderbinder), process.env.PATH].join(delimiter)
  const alone = { ...env, PATH, MINDERBINDER_CONTROL: undefined }
  for (const { status, stderr } of [
    await runMinderbinder(unittest, { env, cwd }),
    await run(unittest.slice(3), { env: alone, cwd }),
  ]) {
    assert.equal(status, 0, stderr)
    assert.match(stderr, /^Ran 2 tests/m)
  }
})
