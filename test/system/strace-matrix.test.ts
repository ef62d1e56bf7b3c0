/**
 * strace's matrix: each action with each form of when=, in each shape of program, does under --inject what it does under
 * strace. The forms are tried side by side, each on a call of its own (test/fixtures/matrix.c).
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { fixture } from '../helpers/fixture.ts'
import { requires } from '../helpers/requires.ts'
import { run, runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

const shapes = ['one', 'threads', 'fork', 'forked-thread', 'exec', 'thread-exec']
const actions = ['error=EXDEV', 'retval=77', 'signal=USR1', 'delay_enter=1000', 'delay_exit=1000']
const whenOfCall = {
  getppid: '1',
  getpgid: '3',
  getsid: '12',
  getpriority: '13',
  times: '1+',
  sysinfo: '4+',
  umask: '1+2',
  sched_get_priority_max: '2+3',
  sched_get_priority_min: '2..5',
  sched_getscheduler: '3..9+2',
  sched_rr_get_interval: '5..12+4',
  sched_yield: '1..12+11',
}
const expressions = (action: string) =>
  Object.entries(whenOfCall).map(([call, when]) => `${call}:${action}:when=${when}`)

/** Threads print when they are done. */
const lines = (stdout: string) => stdout.trim().split('\n').sort()

/** How often each thread was delayed in each call, whichever threads they were. */
function delays(delayed: readonly { readonly tid: string; readonly call: string }[]) {
  const counts = new Map<string, number>()
  for (const { tid, call } of delayed) {
    const key = `${tid} ${call}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return [...counts].map(([key, count]) => `${key.split(' ')[1]} ${count}`).sort()
}

async function underStrace(t: TestContext, command: readonly string[], action: string) {
  const log = join(scratch(t), 'log')
  const trace = `trace=${Object.keys(whenOfCall).join()}`
  const injects = expressions(action).flatMap((text) => ['-e', `inject=${text}`])
  const options = ['-f', '-qq', '-o', log, '-e', trace, ...injects]
  const done = await run(['strace', ...options, ...command])
  assert.equal(done.status, 0, done.stderr)
  // 17 getppid() = 1 (DELAYED), or: 17 <... getppid resumed>) = 1 (DELAYED)
  const marked = readFileSync(log, 'utf8').matchAll(/^(\d+) +(?:<\.\.\. )?(\w+).*\(DELAYED\)$/gm)
  const delayed = delays([...marked].map(([, tid, call]) => ({ tid: tid!, call: call! })))
  return { lines: lines(done.stdout), delayed }
}

async function underEngine(
  t: TestContext,
  engine: string,
  command: readonly string[],
  action: string,
) {
  const log = join(scratch(t), 'log')
  const injects = expressions(action).flatMap((text) => ['--inject', text])
  const options = ['-q', '--engine', engine, '--log', log, ...injects]
  const done = await runMinderbinder(['exec', ...options, '--', ...command])
  assert.equal(done.status, 0, done.stderr)
  const events = readFileSync(log, 'utf8').trim().split('\n')
  const delayed = events.map((line) => {
    const { tid, syscall } = JSON.parse(line)
    return { tid: String(tid), call: syscall }
  })
  return {
    lines: lines(done.stdout),
    delayed: action.startsWith('delay') ? delays(delayed) : [],
  }
}

for (const shape of shapes)
  test(`${actions.length} actions, ${expressions('').length} forms of when=, as under strace: ${shape}`, async (t) => {
    if (!requires(t, 'strace', 'cc')) return
    const command = [fixture('matrix'), shape]
    for (const action of actions) {
      const oracle = await underStrace(t, command, action)
      const injected = oracle.lines.join('').match(/[ERS]/g)?.length ?? oracle.delayed.length
      assert.ok(injected >= 10, `strace injected ${action}`)
      // Seccomp's supervisor does not see calls return.
      const engines = action.startsWith('delay_exit') ? ['ptrace'] : ['ptrace', 'seccomp']
      for (const engine of engines)
        assert.deepEqual(
          await underEngine(t, engine, command, action),
          oracle,
          `${action}, ${engine}`,
        )
    }
  })
