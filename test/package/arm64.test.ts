/**
 * What of arm64 can be tried without such a machine: qemu's user mode emulation runs programs of it on this
 * kernel. It knows neither seccomp nor bpf(2), so no fault happens here; the BPF objects are the same for both.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { requires } from '../helpers/requires.ts'
import { run } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { buildLaunchers, launcherOf, repository } from './tarball.ts'

const needs = ['cross-compilers', 'qemu-aarch64-static'] as const
const emulator = 'qemu-aarch64-static'

function launcher(): string {
  buildLaunchers()
  return launcherOf('aarch64')
}

for (const file of ['bpf/decide', 'rules/encode', 'launch/wire'])
  test(`what test/unit/${file} asks of C holds on arm64`, { timeout: 300_000 }, async (t) => {
    if (!requires(t, ...needs)) return
    const path = join(repository, 'test/unit', `${file}.test.ts`)
    const done = await run([process.execPath, '--import', 'tsx', '--test', path], {
      cwd: repository,
      env: { MINDERBINDER_TEST_MACHINE: 'aarch64', NODE_TEST_CONTEXT: undefined },
      timeout: 120_000,
    })
    assert.equal(done.status, 0, done.stdout)
    assert.match(done.stdout, /^# skipped 0$/m)
  })

test('the launcher finds the CLI, and becomes node', async (t) => {
  if (!requires(t, ...needs)) return
  const done = await run([emulator, launcher(), 'explain', '--syscall', 'openat=EIO'])
  assert.equal(done.status, 0, done.stderr)
  assert.match(done.stdout, /openat fails with EIO/)
})

test('the launcher tells and takes an environment', async (t) => {
  if (!requires(t, ...needs)) return
  // It finds no node but by the PATH that was handed over.
  const script = `emulator=$(command -v "$1"); PATH=/nonexistent; export MINDERBINDER_ENVIRONMENT
    MINDERBINDER_ENVIRONMENT=$("$emulator" "$2" --environment-of $$ 1); exec "$emulator" "$2" --version`
  const done = await run(['env', 'A.b=1', 'sh', '-c', script, 'sh', emulator, launcher()])
  assert.equal(done.status, 0, done.stderr)
  assert.match(done.stdout, /^minderbinder \d/)
})

test('where the kernel refuses, exec says so, and the command does not run', async (t) => {
  if (!requires(t, ...needs)) return
  const witness = join(scratch(t), 'witness')
  const done = await run([
    emulator,
    launcher(),
    'exec',
    '--syscall',
    'openat=EIO',
    'touch',
    witness,
  ])
  assert.equal(done.status, 125)
  assert.match(done.stderr, /^minderbinder: cannot .*: Invalid argument\n$/)
  assert.equal(existsSync(witness), false)
})

test('its probes say that there is no seccomp, and not that there is', async (t) => {
  if (!requires(t, ...needs)) return
  const done = await run([emulator, '-0', 'minderbinder-probe', launcher(), 'seccomp'])
  assert.match(done.stdout, /^listener 38$/m)
})
