/** Reproducible: the same seed makes the same calls fail. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { fixture } from '../helpers/fixture.ts'
import { unprivileged } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { runMinderbinder } from '../helpers/run.ts'

/** Which of 200 opens failed, and the seed that the summary names. */
async function opens(rate: string, options: readonly string[] = []) {
  const rule = `openat=ENOENT@${rate},path=/dev/null`
  const command = ['exec', ...options, '--syscall', rule, '--', fixture('loop'), '200']
  const done = await runMinderbinder(command, unprivileged.options)
  assert.equal(done.status, 0, done.stderr)
  return {
    failed: done.stdout.trim(),
    count: done.stdout.trim().split(' ').filter(Boolean).length,
    seed: /--seed (\d+)/.exec(done.stderr)?.[1] ?? 'none',
  }
}

test('the same seed, the same calls', async (t) => {
  if (!requires(t, 'cc')) return
  const [one, two] = [await opens('30%', ['--seed', '42']), await opens('30%', ['--seed', '42'])]
  assert.equal(one.failed, two.failed)
  assert.equal(one.seed, '42')
  // 200 draws at 30%: further than 6 standard deviations from 60 would be a bug, and the seed is fixed.
  assert.ok(one.count > 21 && one.count < 99, one.failed)
})

test('another seed, other calls', async (t) => {
  if (!requires(t, 'cc')) return
  assert.notEqual(
    (await opens('30%', ['--seed', '1'])).failed,
    (await opens('30%', ['--seed', '2'])).failed,
  )
})

test('without --seed each run has its own, and the summary’s option repeats it', async (t) => {
  if (!requires(t, 'cc')) return
  const [one, two] = [await opens('50%'), await opens('50%')]
  assert.notEqual(one.seed, two.seed)
  assert.equal((await opens('50%', ['--seed', one.seed])).failed, one.failed)
  assert.equal((await opens('50%', ['--seed', two.seed])).failed, two.failed)
})

test('seeds are 64 bits: the largest is taken, one more is refused', async (t) => {
  if (!requires(t, 'cc')) return
  const largest = '18446744073709551615'
  assert.equal((await opens('50%', ['--seed', largest])).seed, largest)
  assert.equal(
    (await runMinderbinder(['exec', '--seed', '18446744073709551616', 'true'])).status,
    125,
  )
})

test('0% never fires and 100% always does', async (t) => {
  if (!requires(t, 'cc')) return
  assert.equal((await opens('0%')).count, 0)
  assert.equal((await opens('100%')).count, 200)
})

test('whether a call of one rule fails does not depend on the other rules', async (t) => {
  if (!requires(t, 'cc')) return
  const alone = await opens('30%', ['--seed', '9'])
  const rules = ['--syscall', 'openat=ENOENT@30%,path=/dev/null', '--syscall', 'read=EIO@50%,fd=99']
  const both = await runMinderbinder([
    'exec',
    '-q',
    '--seed',
    '9',
    ...rules,
    fixture('loop'),
    '200',
  ])
  assert.equal(both.stdout.trim(), alone.failed)
})
