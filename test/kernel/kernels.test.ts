/**
 * What depends on the kernel, on each test kernel: the conformance table for every engine, and how packets are
 * lost. One machine a kernel, all at once; its tests are reported as ours. Environment:
 *   MINDERBINDER_TEST_KERNELS=6.1,7.2     only these; those of arm64, and 6.1-stock, run only where they are named
 *   MINDERBINDER_TEST_KERNEL_FILES=A,B    these test files (from the top of the repository) instead
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { engineless, matrix } from '../conformance/matrix.ts'
import type { Result } from '../conformance/results.ts'
import { compileCase } from '../conformance/run-case.ts'
import { table } from '../conformance/table.ts'
import { type GuestResult, runTestsInVm } from '../helpers/guest-tests.ts'
import { type Kernel, kernels, stockKernels } from '../helpers/kernels.ts'
import { patience } from '../helpers/patience.ts'
import { requires } from '../helpers/requires.ts'

const repository = new URL('../../', import.meta.url).pathname
const conformance = 'test/conformance/conformance.test.ts'
/** What no kernel does in its own way is left to the host, and what only some do to one of them. */
const suite = [
  conformance,
  'test/kernel/guest/override-owner.ts',
  'test/kernel/guest/override-privileges.ts',
  'test/kernel/guest/override-second.ts',
  'test/system/run-syscalls.test.ts',
]
/** For the second: what is missing is taken away there, so that each kernel would say the same. */
const second = [
  'test/kernel/guest/control-calls.ts',
  'test/kernel/guest/serve-calls.ts',
  'test/kernel/guest/override-trouble.ts',
  'test/kernel/guest/io-uring.ts',
  'test/system/run-prototype.test.ts',
  'test/system/targets.test.ts',
]
/** For the oldest, which has no tcx: newer ones do with packets, and with signals at calls, what the host does. */
const oldest = [
  'test/system/signal-outcome.test.ts',
  'test/system/network-owner.test.ts',
  'test/system/network-interfaces.test.ts',
  'test/system/network-drop.test.ts',
]

/** Debian's own kernel, which lets no call fail at its entry: what fails them elsewhere. */
const stock = [
  conformance,
  'test/kernel/guest/control-calls.ts',
  'test/kernel/guest/serve-calls.ts',
  'test/kernel/guest/hook-calls.ts',
  'test/kernel/guest/hook-trouble.ts',
  'test/kernel/guest/hook-kernel-work.ts',
  'test/kernel/guest/io-uring.ts',
  'test/system/run-prototype.test.ts',
  'test/system/targets.test.ts',
]

const ofArm64 = ['test/kernel/guest/signed-returns.ts']

const only = process.env.MINDERBINDER_TEST_KERNELS?.split(',')
const named = process.env.MINDERBINDER_TEST_KERNEL_FILES?.split(',')
const STOCK = '6.12-stock'
/** Milliseconds for one machine. CI has 90 minutes, and all but this tier takes some 25 of them. */
const LIMIT = 3_000_000
/**
 * Whose processors really run side by side, for what only that shows; the others save the time. Before QEMU 8.1
 * (commit deba78709ae8) one may go on with what it made of code that another one has changed since: 6.12 died so of
 * a breakpoint at a system call's entry that was gone, once in some 30 runs.
 */
const SIDE_BY_SIDE = qemuVersion() >= 8.01 ? '6.12' : undefined

const results: Result[] = []

test('every test kernel', { concurrency: true }, async (t) => {
  if (!requires(t, 'qemu', 'kernels', 'setpriv', 'cc', 'cc-static', 'cc-32-bit')) return
  const own = stockKernels()
  const all = only
    ? [...kernels(), ...own, ...kernels('arm64')]
    : [...kernels(), ...own.filter(({ name }) => name === STOCK)]
  const chosen = all.filter(({ name }) => only?.includes(name) ?? true)
  assert.notEqual(chosen.length, 0, `no kernel of MINDERBINDER_TEST_KERNELS=${only} is there`)
  const held = filesFor(chosen[0]!).includes(conformance)
  const native = chosen.some(({ architecture }) => architecture === 'x86_64')
  if (held && native) for (const row of table) compileCase(t, row)
  await Promise.all(chosen.map((kernel) => t.test(`Linux ${kernel.name}`, (t) => hold(t, kernel))))
  keep(results)
  process.stdout.write(`\n${matrix(results)}\n`)
  if (only || !held) return
  await t.test('every engine ran on some kernel', () => {
    // The oracle of the table, and what no kernel does in its own way: the host's own run has them.
    const byHost = ['strace', 'tc without tcx', 'cgroup without cgroup.kill']
    const none = engineless(results).filter(
      (name) => !byHost.includes(name) && !name.endsWith(' as nobody'),
    )
    assert.deepEqual(none, [])
  })
})

/** 7.02 for 7.2; 0 if there is none. */
function qemuVersion(): number {
  const { stdout } = spawnSync('qemu-system-x86_64', ['--version'], { encoding: 'utf8' })
  const [, major, minor] = stdout?.match(/version (\d+)\.(\d+)/) ?? []
  return Number(major ?? 0) + Number(minor ?? 0) / 100
}

function filesFor({ name, architecture, modules }: Kernel): readonly string[] {
  if (modules) return named ?? stock
  const place = kernels(architecture).findIndex((each) => each.name === name)
  const more = [oldest, second][place] ?? []
  return named ?? [...suite, ...more, ...(architecture === 'arm64' ? ofArm64 : [])]
}

async function hold(t: TestContext, kernel: Kernel): Promise<void> {
  const guest = runTestsInVm({
    ...{ kernel, files: filesFor(kernel), timeout: LIMIT * patience },
    processors: kernel.name === SIDE_BY_SIDE ? 'side by side' : 'in turn',
    env: {
      // By its name, a stock kernel makes every call of the engine hook's table.
      MINDERBINDER_TEST_QUICK:
        kernel.modules && only ? (process.env.MINDERBINDER_TEST_QUICK ?? '') : '1',
      MINDERBINDER_TEST_PATIENCE: `${10 * patience}`,
      // On these kernels all of them must work.
      MINDERBINDER_TEST_ENGINES: kernel.modules ? 'hook' : 'override,auto,seccomp,ptrace,tc,cgroup',
      MINDERBINDER_TEST_RESULTS: '/run/share/results.json',
      // There `auto` takes it in `run` alone.
      ...(kernel.modules && { MINDERBINDER_TEST_ENGINE: 'hook' }),
    },
    onShare(folder) {
      const file = join(folder, 'results.json')
      if (existsSync(file)) results.push(...(JSON.parse(readFileSync(file, 'utf8')) as Result[]))
    },
  })
  let count = 0
  for await (const result of guest.results) {
    count++
    await t.test(`${kernel.name} ${result.file}: ${result.name}`, (t) => repeat(t, result))
  }
  const { status, trouble, stderr, kernelLog, bootMs, totalMs } = await guest.machine
  t.diagnostic(`Linux ${kernel.name}: boot ${bootMs} ms, in all ${totalMs} ms, ${count} tests`)
  // Each of them is a failure of the machine as a whole, whatever the tests say.
  assert.deepEqual(trouble, [], kernelLog)
  assert.equal(status, 0, stderr)
  assert.notEqual(count, 0, 'no test ran')
}

function repeat(t: TestContext, { outcome, why }: GuestResult): void {
  if (outcome === 'skipped') t.skip(why)
  if (outcome === 'failed') throw new Error(why)
}

/** For people and for later steps of CI: node --import tsx test/conformance/print-matrix.ts FILE... */
function keep(results: readonly Result[]): void {
  const folder = join(repository, 'build/test-results')
  mkdirSync(folder, { recursive: true })
  for (const kernel of new Set(results.map((each) => each.kernel))) {
    const own = results.filter((each) => each.kernel === kernel)
    writeFileSync(join(folder, `kernel-${kernel}.json`), `${JSON.stringify(own, undefined, 1)}\n`)
  }
}
