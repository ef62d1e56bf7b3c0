/** --user: the command is somebody else, and its faults are the same. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { requires } from '../helpers/requires.ts'
import { run, runMinderbinder } from '../helpers/run.ts'

const fault = ['--syscall', 'openat=EIO,path=/etc/hostname']

test('the command has the user’s ids, groups and no capabilities', async (t) => {
  if (!requires(t, 'root', 'user:nobody')) return
  const script = 'id -u; id -g; grep -E "^Cap(Prm|Eff|Amb)" /proc/self/status'
  const done = await runMinderbinder(['exec', '-q', '-u', 'nobody', ...fault, 'sh', '-c', script])
  const ids =
    (await run(['id', '-u', 'nobody'])).stdout + (await run(['id', '-g', 'nobody'])).stdout
  const none = ['Prm', 'Eff', 'Amb'].map((set) => `Cap${set}:\t0000000000000000\n`).join('')
  assert.equal(done.stdout, ids + none)
})

test('it is faulted, and setuid programs go on working for it', async (t) => {
  if (!requires(t, 'root', 'user:nobody')) return
  const script = 'cat /etc/hostname; grep NoNewPrivs /proc/self/status'
  const done = await runMinderbinder(['exec', '-q', '--user=nobody', ...fault, 'sh', '-c', script])
  assert.match(done.stderr, /^cat: \/etc\/hostname: Input\/output error$/m)
  assert.equal(done.stdout, 'NoNewPrivs:\t0\n')
})

test('a user that does not exist, or that we may not become: 125', async (t) => {
  if (!requires(t, 'root', 'user:nobody')) return
  const unknown = await runMinderbinder(['exec', '-u', 'mb-nobody-at-all', 'true'])
  assert.equal(unknown.status, 125)
  assert.match(unknown.stderr, /mb-nobody-at-all/)
  const denied = await runMinderbinder(['exec', '-u', 'root', 'true'], { user: 'nobody' })
  assert.equal(denied.status, 125)
  assert.match(denied.stderr, /root/)
})
