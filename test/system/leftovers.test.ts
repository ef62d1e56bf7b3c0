/** What outlives the command goes on undisturbed: no faults, its old cgroup, nothing of ours in its way. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { fixture } from '../helpers/fixture.ts'
import { identities } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { type RunOptions, runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { until } from '../helpers/until.ts'

/** A daemon that has outlived its minderbinder, as test/fixtures/daemon.c reports on it. */
async function daemon(t: TestContext, faults: readonly string[], options: RunOptions) {
  const folder = scratch(t)
  const [file, stop] = [join(folder, 'report'), join(folder, 'stop')]
  const command = ['exec', '-q', ...faults, '--', fixture('daemon'), file, stop]
  // A daemon keeps the streams that it inherits: no pipes of ours, whose end would be waited for.
  const done = await runMinderbinder(command, { ...options, stdio: 'ignore' })
  assert.equal(done.status, 0)
  const report = () => {
    const [pid = 0, failed = 0, opened = 0] = readFileSync(file, 'utf8').split(' ').map(Number)
    return { pid, failed, opened }
  }
  return { report, stop: () => writeFileSync(stop, '') }
}

for (const { title, options } of identities)
  test(`a daemon lives on without faults, in its own cgroup, and nothing of ours remains with it, ${title}`, async (t) => {
    if (!requires(t, 'cc')) return
    const before = systemState()
    const { report, stop } = await daemon(t, ['--syscall', 'openat=ENOENT,path=/dev/null'], options)
    const atEnd = report()
    assert.ok(atEnd.failed > 0, 'it was under faults')
    await until(() => report().opened > atEnd.opened + 20, { what: 'opens that succeed' })
    const later = report()
    // One call may have been under way when the faults were lifted.
    assert.ok(later.failed <= atEnd.failed + 1, JSON.stringify({ atEnd, later }))
    const cgroup = readFileSync(`/proc/${later.pid}/cgroup`, 'utf8')
    assert.equal(cgroup, readFileSync('/proc/self/cgroup', 'utf8'))
    stop()
    await nothingLeft(before)
  })

test('a daemon under network faults: its cgroup is gone, it is back in ours', async (t) => {
  if (!requires(t, 'cc', 'root', 'cgroup2', 'libbpf')) return
  const before = systemState()
  const { report, stop } = await daemon(t, ['--drop-net', '100%'], {})
  const own = readFileSync('/proc/self/cgroup', 'utf8')
  assert.equal(readFileSync(`/proc/${report().pid}/cgroup`, 'utf8'), own)
  // While it lives: no faults, so nothing of the kernel's is needed any more.
  await nothingLeft(before)
  stop()
})

test('five daemons of five runs at once go on', async (t) => {
  if (!requires(t, 'cc')) return
  const before = systemState()
  const all = await Promise.all(
    Array.from({ length: 5 }, () =>
      daemon(t, ['--syscall', 'openat=ENOENT@50%,path=/dev/null'], {}),
    ),
  )
  for (const { report } of all) {
    const { opened } = report()
    await until(() => report().opened > opened + 5, { what: 'the daemon going on' })
  }
  for (const { stop } of all) stop()
  await nothingLeft(before)
})
