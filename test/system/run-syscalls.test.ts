/** `minderbinder run` and system calls, on kernels that let them fail: what is a target, and what is not. */
import assert from 'node:assert/strict'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import test, { type TestContext } from 'node:test'
import { ChangingCounts } from '../helpers/changing-counts.ts'
import { fixture } from '../helpers/fixture.ts'
import { loadedPrograms } from '../helpers/loaded-programs.ts'
import { countsOf, programCalled, reload, startRun } from '../helpers/machine-run.ts'
import { requires } from '../helpers/requires.ts'
import { run, start } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { until } from '../helpers/until.ts'

const needs = ['root', 'libbpf', 'linux:override'] as const

/** A shell of that name: opens the file that each line of its stdin names, and says what came of it. */
async function startShell(t: TestContext, name: string) {
  const program = programCalled(t, name, '/bin/dash')
  const script =
    'while read file; do if read line <"$file"; then echo "$line"; else echo failed; fi; done'
  const running = start([program, '-c', script], { timeout: 240_000 })
  t.after(() => running.child.kill('SIGKILL'))
  const lines = createInterface(running.child.stdout!)[Symbol.asyncIterator]()
  return {
    pid: running.pid,
    async open(file: string): Promise<string> {
      running.child.stdin?.write(`${file}\n`)
      return String((await lines.next()).value)
    },
    async end() {
      running.child.stdin?.end()
      await running.exited
    },
  }
}

function text(t: TestContext): string {
  const file = join(scratch(t), 'text')
  writeFileSync(file, 'text\n')
  return file
}

function fails(file: string, targets: string, more = ''): string {
  return `agents_of_chaos:
  syscall:
    - name: fail
      syscall: openat
      ret_code: EIO
      path: ${file}
      targets: ${targets}
${more}`
}

test('a process of that name is hit, one that ran before too; others and afterwards nobody', async (t) => {
  if (!requires(t, ...needs, 'linux:path')) return
  const file = text(t)
  const state = systemState()
  const before = await startShell(t, 'mb-hit')
  const stranger = await startShell(t, 'mb-hit-not')
  assert.equal(await before.open(file), 'text')
  const work = await startRun(t, fails(file, '[{process_name: mb-hit}]'))
  const after = await startShell(t, 'mb-hit')
  assert.deepEqual(
    [await before.open(file), await after.open(file), await stranger.open(file)],
    ['failed', 'failed', 'text'],
  )
  assert.notEqual(await after.open('/etc/hostname'), 'failed')
  const result = await work.end()
  assert.equal(result.status, 0, result.stderr)
  assert.deepEqual(countsOf(result, 'fail').slice(1), [2, 2])
  assert.deepEqual([await before.open(file), await after.open(file)], ['text', 'text'])
  await Promise.all([before.end(), after.end(), stranger.end()])
  await nothingLeft(state)
})

test('what a target starts is hit through forks and execs; with inherit: false only the target is', async (t) => {
  if (!requires(t, ...needs, 'linux:path')) return
  const file = text(t)
  const parent = join(scratch(t), 'mb-parent')
  writeFileSync(parent, '#!/bin/sh\n/bin/cat "$1"\nread line <"$1" || exit 7\n')
  chmodSync(parent, 0o755)
  const target = '[{process_name: mb-parent}]'
  const inherited = await startRun(t, fails(file, target))
  const both = await run([parent, file])
  assert.match(both.stderr, /cat: .*Input\/output error/)
  assert.equal(both.status, 7)
  assert.deepEqual(countsOf(await inherited.end(), 'fail').slice(1), [2, 2])
  const alone = await startRun(t, fails(file, target, '      inherit: false\n'))
  const one = await run([parent, file])
  assert.equal(one.stdout, 'text\n')
  assert.equal(one.status, 7)
  assert.deepEqual(countsOf(await alone.end(), 'fail').slice(1), [1, 1])
})

test('several rules of one name and call: the first that fires wins; scope, times and when count as in exec', async (t) => {
  if (!requires(t, ...needs, 'linux:path')) return
  const file = text(t)
  const rule = (name: string, target: string, more: string) =>
    `    - {name: ${name}, syscall: openat, path: '${file}', targets: [{process_name: ${target}}], ${more}}\n`
  const yaml = `agents_of_chaos:\n  syscall:\n${[
    rule('first', 'mb-a', 'ret_code: EIO, times: 1'),
    rule('second', 'mb-a', 'ret_code: EACCES, when: 2'),
    rule('others', 'mb-b', 'ret_code: EPERM, scope: process, when: 1'),
  ].join('')}`
  const work = await startRun(t, yaml)
  const [a, b, c] = [
    await startShell(t, 'mb-a'),
    await startShell(t, 'mb-b'),
    await startShell(t, 'mb-b'),
  ]
  const answers = []
  for (const shell of [a, a, a, a, b, b, c, c]) answers.push(await shell.open(file))
  // second sees what first let pass: its second match is the third call.
  assert.deepEqual(answers, [
    'failed',
    'text',
    'failed',
    'text',
    'failed',
    'text',
    'failed',
    'text',
  ])
  const result = await work.end()
  assert.deepEqual(countsOf(result, 'first').slice(1), [4, 1])
  assert.deepEqual(countsOf(result, 'second').slice(1), [3, 1])
  assert.deepEqual(countsOf(result, 'others').slice(1), [4, 2])
})

test('delay_ms counts from the start of the process', async (t) => {
  if (!requires(t, ...needs, 'linux:path')) return
  const file = text(t)
  const work = await startRun(t, fails(file, '[{process_name: mb-late}]', '      after: 3600s\n'))
  const shell = await startShell(t, 'mb-late')
  assert.equal(await shell.open(file), 'text')
  const result = await work.end()
  assert.equal(countsOf(result, 'fail')[1], 0)
  assert.match(result.stderr, /fail never fired/)
  await shell.end()
})

test('the loader of a target is left alone, and faulted with --include-loader', async (t) => {
  if (!requires(t, ...needs)) return
  const yaml = `agents_of_chaos:
  syscall:
    - {name: all, syscall: openat, ret_code: ENOENT, targets: [{process_name: mb-cat}]}
`
  const cat = programCalled(t, 'mb-cat', '/bin/cat')
  const file = text(t)
  const work = await startRun(t, yaml)
  const spared = await run([cat, file])
  assert.equal(spared.status, 1)
  assert.match(spared.stderr, /mb-cat: .*text: No such file/)
  assert.equal((await work.end()).status, 0)
  const all = await startRun(t, yaml, { args: ['--include-loader'] })
  const faulted = await run([cat, file])
  assert.equal(faulted.status, 127, faulted.stderr)
  assert.equal((await all.end()).status, 0)
})

test('a storm of short processes: each is hit, and none is left in the table', async (t) => {
  if (!requires(t, ...needs)) return
  const program = programCalled(t, 'mb-storm', fixture('storm', { link: 'static' }))
  const work = await startRun(
    t,
    `agents_of_chaos:
  syscall:
    - {name: refuse, syscall: connect, ret_code: ECONNREFUSED, targets: [{process_name: mb-storm}]}
`,
  )
  const count = process.env.MINDERBINDER_TEST_QUICK ? 300 : 4000
  // The error would be the same without a fault: the counts tell.
  const storm = await run([fixture('storm'), `${count}`, '8', '1', program], { timeout: 120_000 })
  assert.equal(Number(storm.stdout.split(' ')[0]), count, storm.stderr)
  await until(() => !/targets: [1-9]\d* [^\n]*\n(?!.*targets:)/s.test(work.running.stdout()), {
    what: 'an empty table',
  })
  const result = await work.end()
  assert.deepEqual(countsOf(result, 'refuse'), [count, count, count])
})

test('SIGHUP: what is loaded serves other rules on the same calls; for other calls more is loaded', async (t) => {
  if (!requires(t, ...needs, 'linux:path')) return
  const file = text(t)
  const state = systemState()
  const [one, two] = [await startShell(t, 'mb-one'), await startShell(t, 'mb-two')]
  const log = join(scratch(t), 'log')
  const work = await startRun(t, fails(file, '[{process_name: mb-one}]'), { args: ['--log', log] })
  const opened = async () => [await one.open(file), await two.open(file)]
  assert.deepEqual(await opened(), ['failed', 'text'])
  const programs = loadedPrograms(work.running.pid)
  await reload(work, fails(file, '[{process_name: mb-two}]').replace('fail', 'second'))
  assert.deepEqual(await opened(), ['text', 'failed'])
  assert.deepEqual(loadedPrograms(work.running.pid), programs)
  const third = fails(file, '[{process_name: mb-one}]').replace('fail', 'third')
  await reload(work, third.replace('openat', 'openat+chdir'))
  assert.deepEqual(await opened(), ['failed', 'text'])
  const more = loadedPrograms(work.running.pid)
  assert.notDeepEqual(more, programs)
  await reload(work, fails(file, '[{process_name: mb-two}]').replace('fail', 'fourth'))
  assert.deepEqual(await opened(), ['text', 'failed'])
  assert.deepEqual(loadedPrograms(work.running.pid), more)
  const result = await work.end()
  assert.equal(result.status, 0, result.stderr)
  const labels = ['fail', 'second', 'third', 'fourth']
  for (const label of labels) assert.deepEqual([label, countsOf(result, label)[2]], [label, 1])
  const lines = readFileSync(log, 'utf8').trim().split('\n')
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).rule),
    labels,
  )
  assert.deepEqual(await opened(), ['text', 'text'])
  await Promise.all([one.end(), two.end()])
  await nothingLeft(state)
})

test('SIGHUP while calls go on: each that fails is counted and logged once, by the rules that it failed by', async (t) => {
  if (!requires(t, ...needs, 'cc')) return
  const state = systemState()
  const startCalls = (name: string, threads: number) => {
    const calls = new ChangingCounts(t)
    const program = programCalled(t, name, fixture('changing'))
    const running = start([program, calls.file, `${threads}`], { timeout: 240_000 })
    t.after(() => running.child.kill('SIGKILL'))
    return { calls, running }
  }
  const [target, stranger] = [startCalls('mb-calls', 2), startCalls('mb-stranger', 1)]
  const { calls } = target
  // Not so many that events are lost for want of room.
  const fails = (errno: 'EPERM' | 'EACCES') => `agents_of_chaos:
  syscall:
    - {name: ${errno}, syscall: getpgid, ret_code: ${errno}, when: 1+500, targets: [{process_name: mb-calls}]}
`
  const log = join(scratch(t), 'log')
  const work = await startRun(t, fails('EPERM'), { args: ['--log', log] })
  const programs = loadedPrograms(work.running.pid)
  for (let change = 1; change <= 4; change++) {
    await calls.goesOn()
    await reload(work, fails(change % 2 === 0 ? 'EPERM' : 'EACCES'))
  }
  assert.deepEqual(loadedPrograms(work.running.pid), programs)
  await calls.goesOn()
  for (const each of [target, stranger]) {
    each.calls.end()
    assert.equal((await each.running.result).status, 0)
  }
  const result = await work.end()
  assert.equal(result.status, 0, result.stderr)
  assert.doesNotMatch(result.stderr, /lost|bypassed/)
  const lines = readFileSync(log, 'utf8').trim().split('\n')
  const logged = lines.map((line): string => JSON.parse(line).rule)
  for (const errno of ['EPERM', 'EACCES'] as const) {
    const failed = calls.failed('getpgid', errno)
    const fired = [...result.stderr.matchAll(/^minderbinder: (E\w+) .* (\d+)$/gm)]
      .filter(([, label]) => label === errno)
      .map(([, , count]) => Number(count))
    assert.ok(
      fired.every((count) => count > 0),
      `${errno}: ${fired}`,
    )
    assert.deepEqual(
      [fired.reduce((sum, each) => sum + each), logged.filter((rule) => rule === errno).length],
      [failed, failed],
      errno,
    )
    assert.equal(stranger.calls.failed('getpgid', errno), 0)
  }
  assert.deepEqual([calls.odd(), stranger.calls.odd()], [0, 0])
  await nothingLeft(state)
})

test('killed, it leaves nothing attached', async (t) => {
  if (!requires(t, ...needs, 'linux:path')) return
  const file = text(t)
  const state = systemState()
  const shell = await startShell(t, 'mb-hit')
  const work = await startRun(t, fails(file, '[{process_name: mb-hit}]'))
  assert.equal(await shell.open(file), 'failed')
  work.running.child.kill('SIGKILL')
  await work.running.exited
  await until(async () => (await shell.open(file)) === 'text', { what: 'no fault' })
  await shell.end()
  await nothingLeft(state)
})
