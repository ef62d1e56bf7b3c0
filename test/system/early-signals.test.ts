/** A signal at any moment of a start that fails, prints help or goes well: minderbinder ends, at once. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Moments } from '../helpers/moments.ts'
import { patience } from '../helpers/patience.ts'
import { startMinderbinder } from '../helpers/run.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'

const getppid = ['--syscall', 'getppid=EIO@0%']
const starts = [
  ['exec', '--help'],
  ['exec', '--syscall', 'nosuch=EIO', '--', 'true'],
  ['exec', '--log', '/nonexistent/x', ...getppid, '--', 'true'],
  ['exec', '--config', '/nonexistent', '--', 'true'],
  ['exec', '-u', 'nosuchuser', ...getppid, '--', 'true'],
  ['exec', ...getppid, '--', '/nonexistent'],
  ['exec', '-q', ...getppid, '--', 'true'],
] as const
const names = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1'] as const

const RUNS = 1000
const LANES = 4
/** Milliseconds. What is not run by then on a slow machine is left out, but for a fifth. */
const BUDGET = 60_000
/** A start takes 30 to 100. */
const LONGEST = 120
/** What is stuck would be killed after 3,000 (src/launcher/shared/grace.h), and that must not be what ends it. */
const PROMPT = 2500

test(`${RUNS} signals at random moments of a start: none hangs`, { timeout: 300_000 }, async () => {
  const before = systemState()
  const moments = new Moments(11)
  const slow: string[] = []
  const end = Date.now() + BUDGET
  let runs = 0
  const lane = async () => {
    for (let i = runs++; i < RUNS && (Date.now() < end || i < RUNS / 5); i = runs++) {
      const args = starts[i % starts.length]!
      const running = startMinderbinder(args)
      await pause(moments.next(LONGEST))
      const signals = Array.from(
        { length: moments.next(3) === 0 ? 3 : 1 },
        () => names[moments.next(names.length)]!,
      )
      const start = Date.now()
      for (const name of signals) running.child.kill(name)
      const { status, signal } = await running.exited
      const took = Date.now() - start
      if (took > PROMPT * patience)
        slow.push(`${args.join(' ')}: ${signals} took ${took} ms, ${signal ?? status}`)
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  assert.deepEqual(slow, [])
  await nothingLeft(before)
})
