/** minderbinder under minderbinder: the kernel allows one listener in a chain of filters. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { identities } from '../helpers/identity.ts'
import { minderbinder, runMinderbinder } from '../helpers/run.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'

for (const { title, options } of identities) {
  test(`a nested minderbinder whose listener is refused says so and runs nothing, ${title}`, async () => {
    const before = systemState()
    const by = ['exec', '-q', '--engine', 'seccomp', '--syscall']
    const inner = [minderbinder, ...by, 'read=EIO', '--', 'echo', 'inner ran']
    const done = await runMinderbinder([...by, 'chroot=EPERM', '--', ...inner], options)
    assert.equal(done.status, 125, done.stderr)
    assert.equal(done.stdout, '')
    assert.match(done.stderr, /^minderbinder: .*(another|nested|already)/m)
    await nothingLeft(before)
  })

  test(`a nested minderbinder without faults of system calls runs, ${title}`, async () => {
    const inner = [minderbinder, 'exec', '-q', '--', 'echo', 'inner ran']
    const done = await runMinderbinder(
      ['exec', '-q', '--syscall', 'chroot=EPERM', '--', ...inner],
      options,
    )
    assert.deepEqual([done.status, done.stdout], [0, 'inner ran\n'], done.stderr)
  })

  test(`siblings each have their own, ${title}`, async () => {
    const one = [minderbinder, 'exec', '-q', '--syscall', 'openat=ENOENT', 'cat', '/etc/hostname']
    const both = await Promise.all([
      runMinderbinder(one.slice(1), options),
      runMinderbinder(one.slice(1), options),
    ])
    for (const done of both) assert.equal(done.status, 1)
  })
}
