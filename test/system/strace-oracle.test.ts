/** strace is the oracle for when=: the same expression makes the same calls fail. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { fixture } from '../helpers/fixture.ts'
import { requires } from '../helpers/requires.ts'
import { run, runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

/** Every form of strace(1)'s occurrence syntax, at its edges. */
const forms = [
  ...['1', '2', '7', '20', '21', '1+', '3+', '20+', '21+', '1+1', '1+2', '2+2', '3+7', '5+100'],
  ...[
    '1..1',
    '1..5',
    '5..5',
    '5..20',
    '5..21',
    '19..1000',
    '1..20+1',
    '1..20+3',
    '2..10+4',
    '7..8+5',
  ],
]

/**
 * With openat+openat2 the loop's own calls are what is counted: strace counts the loader's too, so the loop goes
 * through faccessat2, which no loader calls.
 */
const loop = () => fixture('loop', { defines: ['ACCESS'] })

for (const when of forms)
  test(`when=${when} hits the calls that strace hits`, async (t) => {
    if (!requires(t, 'strace', 'cc')) return
    const log = join(scratch(t), 'strace')
    const inject = `inject=faccessat2:error=ENOENT:when=${when}`
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
    const rule = `faccessat2=ENOENT,scope=process,when=${when}`
    const ours = await runMinderbinder(['exec', '-q', '--syscall', rule, '--', loop(), '20'])
    assert.equal(ours.stdout, oracle.stdout, ours.stderr)
    const own = await runMinderbinder(['exec', '-q', '--inject', inject, '--', loop(), '20'])
    assert.equal(own.stdout, oracle.stdout, own.stderr)
    // The oracle did inject: what it marked is what the program saw.
    const marked = readFileSync(log, 'utf8').match(/\(INJECTED\)/g)?.length ?? 0
    assert.equal(oracle.stdout.trim().split(' ').filter(Boolean).length, marked)
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
