/**
 * Run in virtual machines only, by kernels.test.ts. The engine hook in trouble: an attachment that fails among several,
 * deaths of its owner, two owners on one hook, and the hooks that exec itself passes.
 */
import assert from 'node:assert/strict'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { fixture } from '../../helpers/fixture.ts'
import { descendants, killed, program } from '../../helpers/processes.ts'
import { requires } from '../../helpers/requires.ts'
import { type Running, run, runMinderbinder, startMinderbinder } from '../../helpers/run.ts'
import { scratch } from '../../helpers/scratch.ts'
import { nothingLeft, systemState } from '../../helpers/system-state.ts'
import { until } from '../../helpers/until.ts'

const needs = ['root', 'libbpf', 'cc', 'bpftool', 'linux:hook'] as const
const timeout = 180_000
/** The few that say most, for CI. */
const quick = Boolean(process.env.MINDERBINDER_TEST_QUICK)
const steps = fixture('steps')
const make = 'mkdirat -100 :/nowhere/missing 493'
const read = 'pread64 -1 0 0 0'

const faulted = (fault: string) => ['exec', '--engine', 'hook', '--syscall', fault, '--']

function start(fault: string, words: readonly string[]): Running {
  return startMinderbinder([...faulted(fault), steps, ...words], { timeout })
}

const says = (running: Running, text: string) =>
  until(() => running.stdout().includes(text), { what: text, bound: timeout })

const victims = {
  front: (front: number) => front,
  supervisor: (front: number) => descendants(front).find((pid) => /launcher/.test(program(pid))),
  node: (front: number) => descendants(front).find((pid) => /\/node$/.test(program(pid))),
}

for (const [who, pick] of Object.entries(victims))
  test(`SIGKILL of the ${who} while hook is attached: no program, link or map is left`, async (t) => {
    if (quick && who !== 'node') return t.skip('tried by hand: MINDERBINDER_TEST_QUICK is unset')
    if (!requires(t, ...needs)) return
    const before = systemState()
    const running = start('mkdirat+unlinkat=EXDEV', [`1 ${make}`, `hold ${scratch(t)}/never`])
    await says(running, 'holding')
    assert.match(running.stdout(), /^mkdirat: -18$/m)
    const links = [...systemState()].filter((each) => /^bpf link/.test(each) && !before.has(each))
    // exec, exit, two calls, and the hook that both pass.
    assert.equal(links.length, 5, `${links}`)
    const victim = pick(running.pid)
    assert.ok(victim !== undefined && killed(victim), `no ${who}`)
    const { status, signal } = await running.exited
    if (who === 'front') assert.equal(signal, 'SIGKILL')
    else assert.equal(status, 125, running.stderr())
    await nothingLeft(before)
  })

test('two sessions on one hook: each hits its own, and goes on when the other has ended', async (t) => {
  if (!requires(t, ...needs)) return
  const before = systemState()
  const folder = scratch(t)
  const words = (name: string) => [`1 ${make}`, `hold ${folder}/${name}`, `2 ${make}`]
  const first = start('mkdirat=EXDEV', words('first'))
  const second = start('mkdirat=EPERM', words('second'))
  await says(first, 'holding')
  await says(second, 'holding')
  const bystander = await run([steps, `2 ${make}`], { timeout })
  assert.equal(bystander.stdout, 'mkdirat: -2*2\n')
  for (const [running, name, error] of [
    [first, 'first', -18],
    [second, 'second', -1],
  ] as const) {
    writeFileSync(join(folder, name), '')
    const { status, stdout, stderr } = await running.result
    assert.equal(stdout, `mkdirat: ${error}\nholding\nmkdirat: ${error}*2\n`, stderr)
    assert.equal(status, 0)
  }
  await nothingLeft(before)
})

test('bpf(2) that fails once, at several places of the start: nothing runs, nothing stays attached', async (t) => {
  if (!requires(t, ...needs)) return
  const before = systemState()
  const summary = join(scratch(t), 'summary')
  /** minderbinder in front of minderbinder. */
  const outer = (fault: string) =>
    runMinderbinder(
      [
        ...['exec', '--engine', 'seccomp', '-o', summary, '--syscall', `bpf=${fault}`, '--'],
        ...['bin/minderbinder', ...faulted('mkdirat+pread64=EXDEV'), steps, `1 ${make}`],
      ],
      { timeout },
    )
  const whole = await outer('ENOMEM@0%')
  assert.deepEqual([whole.status, whole.stdout], [0, 'mkdirat: -18\n'], whole.stderr)
  const calls = Number(/=ENOMEM@0% +seccomp +(\d+)/.exec(readFileSync(summary, 'utf8'))?.[1])
  assert.ok(calls > 10, `${calls} calls of bpf(2)`)
  let refusals = 0
  for (const part of quick ? [0.6, 0.8] : [0.3, 0.5, 0.6, 0.7, 0.8]) {
    const { status, stdout, stderr } = await outer(`ENOMEM,when=${Math.round(calls * part)}`)
    if (status === 0) assert.equal(stdout, 'mkdirat: -18\n', stderr)
    else {
      refusals++
      assert.deepEqual([status, stdout], [125, ''], stderr)
      assert.match(stderr, /\[MB_[A-Z_]+\]/)
    }
    await nothingLeft(before)
  }
  assert.ok(refusals > 0, 'one of them mattered')
})

test('the path that exec itself walks, and its interpreter’s, are no openat', async (t) => {
  if (!requires(t, ...needs)) return
  const script = join(scratch(t), 'script')
  writeFileSync(script, `#!${steps} -\n`)
  chmodSync(script, 0o755)
  const done = await runMinderbinder(
    [
      ...faulted('openat+read=EXDEV'),
      ...[steps, `=${script}{`, '1 openat -100 :/etc/passwd 0', '}', 's{', `1 ${read}`, '}'],
    ],
    { timeout },
  )
  assert.equal(done.stdout, 'openat: -18\npread64: -9\n', done.stderr)
})
