/** Programs that no LD_PRELOAD reaches: raw system calls, static ones, Go with its preemption signals, 32-bit ones. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import test from 'node:test'
import { fixture } from '../helpers/fixture.ts'
import { identities, unprivileged } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

const ENOENT = 2

for (const { title, options } of identities) {
  const under = (fault: string, ...command: readonly string[]) =>
    runMinderbinder(['exec', '--syscall', fault, '--', ...command], options)

  test(`a program without libc fails at its very first call, ${title}`, async (t) => {
    if (!requires(t, 'cc')) return
    const raw = fixture('raw', { link: 'no-libc' })
    assert.equal((await under('openat=ENOENT', raw, '/etc/passwd')).status, ENOENT)
    assert.equal((await under('openat=ENOENT@0%', raw, '/etc/passwd')).status, 0)
    assert.equal((await under('openat=ENOENT,path=/etc/group', raw, '/etc/passwd')).status, 0)
  })

  test(`no call is lost or fails with EINTR under a storm of signals, ${title}`, async (t) => {
    if (!requires(t, 'cc')) return
    for (const [rate, failed] of [
      ['0%', 0],
      ['100%', 5000],
    ] as const) {
      const done = await under(`openat=ENOENT@${rate},path=/dev/null`, fixture('preempted'), '5000')
      assert.deepEqual([done.stdout, done.status], [`${failed} of 5000\n`, 0], done.stderr)
      // Interrupted calls are started again by the kernel: they must not be counted twice.
      assert.match(done.stderr, new RegExp(` 5000 +${failed}$`, 'm'))
    }
  })

  test(`a Go program, its garbage collector at work, ${title}`, async (t) => {
    if (!requires(t, 'go')) return
    const folder = scratch(t)
    const program = join(folder, 'opens')
    const source = new URL('../fixtures/go-opens.go', import.meta.url).pathname
    const cache = { GOCACHE: join(folder, 'cache'), GOFLAGS: '-mod=mod', CGO_ENABLED: '0' }
    execFileSync('go', ['build', '-o', program, source], {
      cwd: folder,
      env: { ...process.env, ...cache },
    })
    for (const [rate, failed] of [
      ['0%', 0],
      ['100%', 4000],
    ] as const) {
      const done = await under(
        `openat=ENOENT@${rate},path=/etc/hostname`,
        program,
        '500',
        '/etc/hostname',
      )
      assert.deepEqual([done.stdout, done.status], [`${failed} of 4000\n`, 0], done.stderr)
    }
  })
}

test('a 32-bit program is told of, not silently let through', async (t) => {
  if (!requires(t, 'cc', 'cc-32-bit')) return
  const raw = fixture('raw', { link: 'no-libc-32-bit' })
  const fault = ['exec', '--syscall', 'openat=ENOENT', '--']
  const done = await runMinderbinder(
    [...fault, raw, '/etc/passwd', '/etc/group'],
    unprivileged.options,
  )
  assert.equal(done.status, 0)
  assert.match(done.stderr, /^minderbinder: .*32-bit/m)
  const native = await runMinderbinder([...fault, 'true'], unprivileged.options)
  assert.doesNotMatch(native.stderr, /32-bit/)
})
