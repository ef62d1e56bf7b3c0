/**
 * Run in arm64 machines only, by kernels.test.ts: a loader and programs that sign the return addresses on their stack,
 * as Debian's do since 13, on a processor that does it. The loader is told from the program by such addresses.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { requires } from '../../helpers/requires.ts'
import { runMinderbinder } from '../../helpers/run.ts'

/** scripts/build-arm64-machine.sh puts it there. */
const debian13 = '/debian13'

const under = (...options: readonly string[]) =>
  runMinderbinder(
    ['exec', ...options, '--syscall', 'openat=EIO', '--', 'chroot', debian13, 'cat', '/etc/passwd'],
    { timeout: 180_000 },
  )

for (const engine of ['override', 'seccomp'])
  test(`a loader that signs its return addresses is left alone, by ${engine}`, async (t) => {
    if (!requires(t, 'root')) return
    assert.match(readFileSync('/proc/cpuinfo', 'utf8'), /^Features.* paca /m, 'signing works here')
    const cat = await under('--engine', engine)
    assert.equal(cat.status, 1, cat.stderr)
    assert.match(cat.stderr, /^cat: \/etc\/passwd: Input\/output error$/m)
    // The twin: where it is not to be left alone, the program does not come to run.
    const loader = await under('--engine', engine, '--include-loader')
    assert.equal(loader.status, 127, loader.stderr)
    assert.match(loader.stderr, /error while loading shared libraries: libc\.so\.6/)
  })
