/**
 * Run in virtual machines only, by kernels.test.ts. No fault of override follows a local user into a program that
 * gains privileges. And what else is said of processes: by whose rules they are, and of which calls a rule heard
 * nothing.
 */
import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { override } from '../../../src/engines/override/engine.ts'
import { RULES_MAX } from '../../../src/rules/encode.ts'
import { parseSyscallFault } from '../../../src/rules/grammar.ts'
import type { Rule } from '../../../src/rules/rule.ts'
import { MachineSession } from '../../../src/session/machine-session.ts'
import { fixture } from '../../helpers/fixture.ts'
import { countsOf, programCalled, startRun } from '../../helpers/machine-run.ts'
import { has, requires } from '../../helpers/requires.ts'
import { run, runMinderbinder } from '../../helpers/run.ts'
import { scratch } from '../../helpers/scratch.ts'
import { directCalls, secondProgram } from '../../helpers/tracing.ts'

const timeout = 180_000
const steps = fixture('steps')
const asNobody = ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups', '--']

function stepsCalled(t: TestContext, name: string, mode: number): string {
  const program = programCalled(t, name, steps)
  chmodSync(program, mode)
  return program
}

test('exec -u: a set-user-ID program is spared, and what it starts; its twin without the bit is hit', async (t) => {
  if (!requires(t, 'root', 'setpriv', 'cc')) return
  const setuid = stepsCalled(t, 'setuid', 0o4755)
  // Its own process, one that it forks, a program that it starts; and beside it another one.
  const within = ['1 fsync -1', '{', '1 fsync -1', '}', `=${steps}{`, '1 fsync -1', '}']
  const exec = (options: readonly string[], ...command: readonly string[]) =>
    runMinderbinder(
      ['exec', '--engine', 'override', ...options, '--syscall', 'fsync=EIO', '--', ...command],
      { timeout },
    )
  const asUser = (options: readonly string[], program: string) =>
    exec(['-u', 'nobody', ...options], steps, `=${program}{`, ...within, '}', '1 fsync -1')
  const answers = (each: number, last: number) => `${`fsync: ${each}\n`.repeat(3)}fsync: ${last}\n`
  for (const loader of [[], ['--include-loader']]) {
    const spared = await asUser(loader, setuid)
    assert.deepEqual([spared.status, spared.stdout], [0, answers(-9, -5)], spared.stderr)
    assert.match(spared.stderr, /^minderbinder: 1 program with more rights .*--include-setuid/m)
  }
  const drops = programCalled(t, 'drops', fixture('drops'))
  chmodSync(drops, 0o4755)
  const dropped = await exec(['-u', 'nobody'], drops, steps, '1 fsync -1')
  assert.equal(dropped.stdout, 'fsync: -5\n', dropped.stderr)
  assert.match(dropped.stderr, /^minderbinder: 1 program with more rights/m)
  const twin = await asUser([], stepsCalled(t, 'setuid-not', 0o755))
  assert.equal(twin.stdout, answers(-5, -5), twin.stderr)
  assert.doesNotMatch(twin.stderr, /more rights/)
  const included = await asUser(['--include-setuid'], setuid)
  assert.equal(included.stdout, answers(-5, -5), included.stderr)
  // Root's own run: whom it becomes is its own to choose.
  const byRoot = await exec([], ...asNobody, setuid, '1 fsync -1')
  assert.equal(byRoot.stdout, 'fsync: -5\n', byRoot.stderr)
  assert.doesNotMatch(byRoot.stderr, /more rights/)
})

/** newgrp drops its privileges by setuid(2), and then runs $SHELL: here one that says who it is. */
const attack = 'import os; print("euid", os.geteuid())'

test('a user who names the shell that starts newgrp like a target is not made root by ret: 0', async (t) => {
  if (!requires(t, 'root', 'setpriv', 'python3', 'newgrp')) return
  if (!has('linux:override') || !secondProgram) return t.skip('ret:0 needs kprobes')
  const config = `agents_of_chaos:
  syscall: [{name: x, syscall: setuid, ret_code: 0, targets: [{process_name: mb-worker}]}]
`
  const worker = programCalled(t, 'mb-worker', '/bin/dash')
  for (const [options, euid] of [
    [[], 65534],
    [['--include-setuid'], 0],
  ] as const) {
    const work = await startRun(t, config, { args: options })
    const env = { SHELL: '/usr/bin/python3' }
    const done = await run([...asNobody, worker, '-c', 'newgrp; true'], {
      input: attack,
      env,
      timeout,
    })
    assert.equal(done.stdout, `euid ${euid}\n`, done.stderr)
    const result = await work.end()
    assert.equal(countsOf(result, 'x')[2], euid === 0 ? 1 : 0)
    assert.equal(/more rights/.test(result.stderr), euid !== 0, result.stderr)
  }
})

test('an exec under another name ends what the name gave, and not what was inherited', async (t) => {
  if (!requires(t, 'root', 'cc')) return
  const folder = scratch(t)
  const file = join(folder, 'config.yaml')
  const rule = {
    name: 'rule',
    syscall: 'fsync',
    ret_code: 'EIO',
    targets: [{ process_name: 'mb-named' }],
  }
  writeFileSync(file, JSON.stringify({ agents_of_chaos: { syscall: [rule] } }))
  const named = programCalled(t, 'mb-named', '/bin/dash')
  const command = `${steps} "1 fsync -1"`
  for (const [script, answer] of [
    [`exec ${command}`, -9],
    [`${command}; true`, -5],
    [`sh -c 'exec ${command}'; true`, -5],
  ] as const) {
    const options = ['exec', '--engine', 'override', '--config', file, '--', named, '-c', script]
    const done = await runMinderbinder(options, { timeout })
    assert.equal(done.stdout, `fsync: ${answer}\n`, `${script}: ${done.stderr}`)
  }
})

test('rules with targets in every word of the set; what earlier rules took, and what could not be read, is counted', async (t) => {
  if (!requires(t, 'root', 'cc')) return
  const all: readonly Rule[] = Array.from({ length: RULES_MAX }, (_, index) => {
    const fault =
      index % 64 === 0
        ? `dup=EIO@${index === RULES_MAX - 64 ? 100 : 0}%`
        : index === RULES_MAX - 1
          ? 'dup=EPERM'
          : index === 1 && secondProgram && directCalls
            ? 'faccessat2=EIO,path=/nowhere*'
            : 'listen=EIO'
    const rule = parseSyscallFault(fault, { arch: process.arch === 'arm64' ? 'arm64' : 'x86_64' })
    return { ...rule, targets: [{ kind: 'name', name: 'mb-many' }] }
  })
  const engines = new Map([[override, [...all.keys()]]])
  const session = await MachineSession.open(
    { add: all, engines },
    {
      ...{ seed: 1n, includeLoader: false, includeSetuid: false, onNotice() {} },
      watched: { wantsInjections: false, wantsCalls: false },
    },
  )
  await session.start()
  try {
    const many = programCalled(t, 'mb-many', '/bin/dash')
    // 1 is the address of nothing.
    const calls = `${steps} "1 dup -1" "1 faccessat2 -100 1 0 0" "1 faccessat2 -100 :/nowhere/else 0 0"; true`
    const hit = await run([many, '-c', calls])
    const other = await run(['sh', '-c', calls])
    const { counts } = await session.snapshot()
    assert.match(other.stdout, /^dup: -9\n/)
    assert.match(hit.stdout, /^dup: -5\n/)
    const of = (index: number) => {
      const { seen, matched, fired, taken, unread } = counts[index]!
      return [seen, matched, fired, taken, unread].map(Number)
    }
    for (let index = 0; index < RULES_MAX - 64; index += 64)
      assert.deepEqual(of(index), [1, 1, 0, 0, 0], `rule ${index}`)
    assert.deepEqual(of(RULES_MAX - 64), [1, 1, 1, 0, 0])
    assert.deepEqual(of(RULES_MAX - 1), [0, 0, 0, 1, 0])
    assert.deepEqual(of(2), [0, 0, 0, 0, 0])
    if (!secondProgram || !directCalls) return
    assert.match(hit.stdout, /faccessat2: -14\nfaccessat2: -5\n$/)
    assert.deepEqual(of(1), [2, 1, 1, 0, 1])
  } finally {
    await session.close()
  }
})
