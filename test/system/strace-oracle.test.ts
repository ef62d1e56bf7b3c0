/**
 * strace is the oracle for its own expressions, in --inject and in processes. For every form of when= it is that of
 * the conformance table (test/conformance/cases/chances.ts).
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { fixture } from '../helpers/fixture.ts'
import { requires } from '../helpers/requires.ts'
import { run, runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

/**
 * With openat+openat2 the loop's own calls are what is counted: strace counts the loader's too, so the loop goes
 * through faccessat2, which no loader calls.
 */
const loop = () => fixture('loop', { defines: ['ACCESS'] })

test('the calls that strace marks as injected are those that fail', async (t) => {
  if (!requires(t, 'strace', 'cc')) return
  const log = join(scratch(t), 'strace')
  const inject = 'inject=faccessat2:error=ENOENT:when=2..10+4'
  const oracle = await run([
    'strace',
    '-f',
    '-o',
    log,
    '-e',
    'trace=faccessat2',
    '-e',
    inject,
    loop(),
    '20',
  ])
  const rule = 'faccessat2=ENOENT,scope=process,when=2..10+4'
  const ours = await runMinderbinder(['exec', '-q', '--syscall', rule, '--', loop(), '20'])
  assert.equal(ours.stdout, oracle.stdout, ours.stderr)
  assert.equal(oracle.stdout.trim(), '2 6 10')
  // The oracle did inject: what it marked is what the program saw.
  assert.equal(readFileSync(log, 'utf8').match(/\(INJECTED\)/g)?.length, 3)
})

test('counted in each process for itself, as strace -f counts in each tracee', async (t) => {
  if (!requires(t, 'strace', 'cc')) return
  for (const when of ['1..5', '2+3', '18+']) {
    const inject = `inject=faccessat2:error=ENOENT:when=${when}`
    const command = [loop(), '20', '3', '1']
    const oracle = await run(['strace', '-f', '-o', '/dev/null', '-e', inject, ...command])
    const rule = `faccessat2=ENOENT,scope=process,when=${when}`
    const ours = await runMinderbinder(['exec', '-q', '--syscall', rule, '--', ...command])
    assert.equal(ours.stdout, oracle.stdout)
  }
})

for (const [spec, name] of [
  ['inject=faccessat2:retval=7', 'retval'],
  ['inject=faccessat2:signal=SIGUSR1:when=3', 'signal'],
  ['inject=faccessat2:error=EPERM:when=2..6+2', 'error'],
] as const)
  test(`strace’s own expression through --inject does the same: ${name}`, async (t) => {
    if (!requires(t, 'strace', 'cc')) return
    const oracle = await run(['strace', '-f', '-o', '/dev/null', '-e', spec, loop(), '20'])
    const ours = await runMinderbinder(['exec', '-q', '--inject', spec, '--', loop(), '20'])
    assert.deepEqual(
      [ours.stdout, ours.status, ours.signal],
      [oracle.stdout, oracle.status, oracle.signal],
    )
  })

for (const [title, ...specs] of [
  [
    'the last expression for a call counts',
    'faccessat2:error=EIO:when=1+',
    'faccessat2:error=EPERM:when=3..5',
  ],
  [
    'an earlier expression keeps its other calls',
    'faccessat2,fsync:error=EIO',
    'fsync:error=EPERM:when=9',
  ],
  [
    'one of nothing replaces nothing',
    'faccessat2:error=EIO:when=4',
    'none:error=EPERM',
    '?nonesuch:error=EPERM',
  ],
] as const)
  test(`several expressions do what they do under strace: ${title}`, async (t) => {
    if (!requires(t, 'strace', 'cc')) return
    const inject = specs.flatMap((spec) => ['-e', `inject=${spec}`])
    const oracle = await run(['strace', '-f', '-o', '/dev/null', ...inject, loop(), '20'])
    const faults = specs.flatMap((spec) => ['--inject', spec])
    const ours = await runMinderbinder(['exec', '-q', ...faults, '--', loop(), '20'])
    assert.equal(ours.stdout, oracle.stdout, ours.stderr)
    assert.match(oracle.stdout, /\d/)
  })

// Of other signals strace lets the call run first; test/system/signal-outcome.test.ts has what they do here.
test('signal=KILL:when=2 ends the program where strace ends it: before the second rename', async (t) => {
  if (!requires(t, 'strace', 'python3')) return
  const program = [
    'import os',
    'for name in "ab": open(name, "w").close()',
    'for name in "ab": os.rename(name, name + "2")',
  ]
  const command = ['/usr/bin/python3', '-c', program.join('\n')]
  const inject = 'inject=rename:signal=KILL:when=2'
  const oracle = scratch(t)
  const ours = scratch(t)
  await run(['strace', '-f', '-qq', '-o', '/dev/null', '-e', inject, ...command], { cwd: oracle })
  const args = ['exec', '-q', '--inject', inject, '--', ...command]
  const done = await runMinderbinder(args, { cwd: ours })
  assert.equal(done.signal, 'SIGKILL')
  assert.deepEqual(readdirSync(ours).sort(), readdirSync(oracle).sort())
  assert.deepEqual(readdirSync(ours).sort(), ['a2', 'b'])
})
