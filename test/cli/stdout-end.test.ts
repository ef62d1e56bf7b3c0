import assert from 'node:assert/strict'
import { once } from 'node:events'
import test from 'node:test'
import { startMinderbinder } from '../helpers/run.ts'

const fault = ['exec', '-q', '--syscall', 'openat=EIO@0%', '--']

test('a reader of stdout sees its end when the child closes it, and not only at our end', async () => {
  const running = startMinderbinder([
    ...fault,
    'sh',
    '-c',
    'echo last; exec >&-; read line; exit 7',
  ])
  const { stdout, stdin } = running.child
  await once(stdout!, 'end', { signal: AbortSignal.timeout(20_000) })
  assert.equal(running.child.exitCode, null, 'the child still runs')
  stdin!.end('go on\n')
  const done = await running.result
  assert.deepEqual([done.status, done.stdout], [7, 'last\n'])
})
