/** SIGKILL for any process of `exec --graph` and for `run`, at any moment: nothing is left, nothing hangs. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Moments } from '../helpers/moments.ts'
import { alive, descendants, killed, program } from '../helpers/processes.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, startMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { terminal } from '../helpers/terminal.ts'
import { until } from '../helpers/until.ts'

/** Of `run`, and of each of the three processes of `exec --graph`. */
const DEATHS = 500
/** Deaths at once: each run must leave nothing, however many others there are. */
const LANES = 8
/** Milliseconds: a start and the first graphs take less. */
const LONGEST = 300

/** Calls `die` so many times, in lanes, each time with a moment in milliseconds after the start. */
async function deaths(count: number, die: (moment: number) => Promise<void>): Promise<void> {
  const moments = new Moments(12345)
  let left = count
  const lane = async () => {
    while (left-- > 0) await die(moments.next(LONGEST))
  }
  await Promise.all(Array.from({ length: LANES }, lane))
}

/** The terminal is the graphs'. The shell keeps it open: where the last one closes it, the other end hangs up. */
const graphs = `${minderbinder} exec --graph --syscall read=EIO@0% -- sleep 1000 </dev/null >/dev/null 2>&1; exit $?`

const launcher = (pid: number) => /launcher/.test(program(pid))

/** Below the process that has the terminal's other end; undefined before they are there. */
const victims: Readonly<Record<string, (owner: number) => number | undefined>> = {
  front: (owner) => descendants(owner).find(launcher),
  supervisor: (owner) => descendants(owner).filter(launcher)[1],
  node: (owner) => descendants(owner).find((pid) => /\/node$/.test(program(pid))),
}

for (const [victim, find] of Object.entries(victims))
  test(`${DEATHS} deaths of the ${victim} of exec --graph`, {
    timeout: 600_000,
  }, async (t) => {
    if (!requires(t, 'pty', 'cc')) return
    const before = systemState()
    const ends = new Set<string>()
    await deaths(DEATHS, async (moment) => {
      const session = terminal(['sh', '-c', graphs], { env: { TERM: 'xterm-256color' } })
      await pause(moment)
      const pid = await until(() => find(session.pid), { what: `the ${victim}` })
      const tree = descendants(session.pid)
      killed(pid)
      ends.add(await session.ended)
      await until(() => !tree.some(alive), { what: 'the end of the tree' })
    })
    assert.deepEqual([...ends], [victim === 'front' ? 'exited 137' : 'exited 125'])
    await nothingLeft(before)
  })

test(`${DEATHS} deaths of run`, { timeout: 600_000 }, async (t) => {
  if (!requires(t, 'root', 'libbpf', 'cgroup2', 'linux:6.6')) return
  const before = systemState()
  const file = join(scratch(t), 'rules.yaml')
  writeFileSync(
    file,
    `agents_of_chaos:
  outgoing_network: [{name: lose, targets: [{process_name: mb-not-there}]}]
  incoming_network: [{name: lose in, targets: [{process_name: mb-not-there}]}]
`,
  )
  await deaths(DEATHS, async (moment) => {
    const running = startMinderbinder(['run', '--no-graph', file])
    await pause(moment * 2)
    killed(running.pid)
    const { signal } = await running.result
    assert.equal(signal, 'SIGKILL')
  })
  await nothingLeft(before)
})
