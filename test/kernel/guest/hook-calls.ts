/**
 * Run in virtual machines only, by kernels.test.ts. The table of the engine hook: each call of it, made for a process
 * that is a target, has the same result, errno and effect on the file system as under seccomp; made by a process that is
 * none, it has what it has without minderbinder.
 */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { hooksByCall } from '../../../src/engines/override/hooks.ts'
import { MODIFIED_MAX } from '../../../src/engines/override/ways.ts'
import { fixture } from '../../helpers/fixture.ts'
import { requires } from '../../helpers/requires.ts'
import { run, runMinderbinder } from '../../helpers/run.ts'
import { scratch } from '../../helpers/scratch.ts'
import { nothingLeft, systemState } from '../../helpers/system-state.ts'

const needs = ['root', 'libbpf', 'bpftool', 'linux:hook'] as const
const timeout = 240_000
const ENOTUNIQ = 76 // no call's own

const program = fixture('hook-calls')
const rows = (text: string) => text.trimEnd().split('\n')

/** Each as a process of its own, called PREFIX and the call. */
function commandFor(t: TestContext, prefix: string, calls: readonly string[]): string[] {
  const folder = join(scratch(t), prefix)
  mkdirSync(folder)
  return [program, folder, prefix, ...calls]
}

/** A rule for each call, for the process that makes it, the first time. */
async function underEngine(t: TestContext, engine: 'hook' | 'seccomp', calls: readonly string[]) {
  const config = join(scratch(t), 'config.yaml')
  const summary = join(scratch(t), 'summary')
  const rules = calls.map(
    (call) =>
      `    - {name: ${call}, syscall: ${call}, ret_code: -${ENOTUNIQ}, times: 1, targets: [{process_name: hit-${call}}]}\n`,
  )
  writeFileSync(config, `agents_of_chaos:\n  syscall:\n${rules.join('')}`)
  const hit = commandFor(t, 'hit-', calls)
  const missed = commandFor(t, 'miss-', calls)
  const script = '"$@" && exec "$0" $MISSED'
  const result = await runMinderbinder(
    [
      ...['exec', '--engine', engine, '-o', summary, '--config', config, '--'],
      ...['sh', '-c', script, program, ...hit],
    ],
    { timeout, env: { MISSED: missed.slice(1).join(' ') } },
  )
  assert.equal(result.status, 0, result.stderr)
  const lines = rows(result.stdout)
  const first = lines.findIndex((line) => line.startsWith('miss- ')) - 1
  return {
    hit: lines.slice(0, first),
    missed: lines.slice(first),
    summary: readFileSync(summary, 'utf8'),
  }
}

/** Those that this kernel has. */
async function existing(calls: readonly string[], t: TestContext): Promise<readonly string[]> {
  const { stdout } = await run(commandFor(t, 'try-', calls), { timeout })
  const missing = new Set(rows(stdout).flatMap((line) => /^(\S+) -38 -38$/.exec(line)?.[1] ?? []))
  return calls.filter((call) => !missing.has(call))
}

async function compare(t: TestContext, calls: readonly string[]): Promise<void> {
  const before = systemState()
  const bare = rows((await run(commandFor(t, 'miss-', calls), { timeout })).stdout)
  const hook = await underEngine(t, 'hook', calls)
  const seccomp = await underEngine(t, 'seccomp', calls)
  assert.deepEqual(hook.hit, seccomp.hit)
  assert.deepEqual(hook.missed, bare)
  for (const call of calls) {
    // The second time an execve works, and nothing of the program is left to say so.
    if (call !== 'execve')
      assert.ok(
        hook.hit.some((line) => line.startsWith(`${call} -${ENOTUNIQ} `)),
        `${call}: ${hook.hit.find((line) => line.startsWith(`${call} `))}`,
      )
    assert.match(hook.summary, new RegExp(`^minderbinder: ${call} +hook +\\d+ +\\d+ +1$`, 'm'))
  }
  await nothingLeft(before)
}

/** One of each kind. */
const some =
  'openat mkdir stat statfs readlinkat fchmod read ioctl mmap connect accept sendto clone kill execve write'

test('calls of every kind: as under seccomp', async (t) => {
  if (!requires(t, ...needs)) return
  await compare(t, some.split(' '))
})

test('the rest of the table, too', async (t) => {
  if (process.env.MINDERBINDER_TEST_QUICK) return t.skip('takes minutes: see kernels.test.ts')
  if (!requires(t, ...needs)) return
  const calls = await existing([...hooksByCall.keys()], t)
  assert.ok(calls.length > 90, `${calls}`)
  for (let at = 0; at < calls.length; at += MODIFIED_MAX)
    await compare(t, calls.slice(at, at + MODIFIED_MAX))
})
