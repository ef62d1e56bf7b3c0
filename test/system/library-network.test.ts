/** Runs of one process with network faults: each has rules and counts of its own, and the programs are loaded once. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import type { RunReport, RunRequest } from '../../src/index.ts'
import { Receiver } from '../helpers/network-target.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, run as runProgram } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { until } from '../helpers/until.ts'

const library = minderbinder.replace(/bin\/minderbinder$/, 'dist/index.js')
const { run } = (await import(library)) as { run: (request: RunRequest) => Promise<RunReport> }
const needs = ['root', 'libbpf', 'cgroup2'] as const

/** Ids of what this process holds of the kernel's: `prog`, `link` or `map`. */
function held(kind: string): Set<string> {
  const ids = readdirSync('/proc/self/fdinfo').flatMap((fd) => {
    try {
      const info = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')
      return new RegExp(`^${kind}_id:\\t(\\d+)$`, 'm').exec(info)?.slice(1) ?? []
    } catch {
      return [] // closed meanwhile
    }
  })
  return new Set(ids)
}

/** For a shell: sends a datagram with this number. */
const send = ({ port }: Receiver, number: number) =>
  `printf '\\0\\0\\0\\${number}' >/dev/udp/127.0.0.1/${port};`

function bash(script: string, ...faults: string[]): Promise<RunReport> {
  return run({ command: ['bash', '-c', script], faults, stdio: 'ignore' })
}

const fired = ({ rules }: RunReport) => rules.map(({ matched, fired }) => [matched, fired])

/** Runs until one loads nothing: before that, those that the runs before have loaded wait for a grace period. */
async function untilNothingIsLoaded(one: () => Promise<unknown>): Promise<void> {
  await one()
  await until(
    async () => {
      const before = held('prog')
      await one()
      return before.size > 0 && [...held('prog')].every((id) => before.has(id))
    },
    { what: 'a run that loads no program' },
  )
}

test('a run finds the programs of the run before, does its faults, and counts from 0', async (t) => {
  if (!requires(t, ...needs)) return
  const before = systemState()
  const receiver = await Receiver.open(t)
  const drop = `--drop-net 100%,port=${receiver.port}`
  await untilNothingIsLoaded(async () => {
    const report = await bash(send(receiver, 1) + send(receiver, 2), drop)
    assert.deepEqual(fired(report), [[2, 2]])
  })
  // Programs are at the interfaces still: this sends from outside.
  assert.deepEqual(await receiver.received(), [])
  const other = await bash(send(receiver, 3), `--drop-net 0%,port=${receiver.port}`, drop)
  assert.deepEqual(fired(other), [
    [1, 0],
    [1, 1],
  ])
  const third = await bash(send(receiver, 4), '--drop-net 100%,port=1')
  assert.deepEqual([fired(third), await receiver.received()], [[[0, 0]], [4]])
  await until(() => held('prog').size + held('link').size + held('map').size === 0, {
    what: 'the end of what was kept',
  })
  await nothingLeft(before)
})

test('refusals: the same', async (t) => {
  if (!requires(t, ...needs)) return
  const connect = (count: number) =>
    `for i in $(seq ${count}); do (: >/dev/tcp/127.0.0.1/1) 2>/dev/null; done; exit 0`
  let count = 1
  await untilNothingIsLoaded(async () => {
    const report = await bash(connect(count), '--refuse-net 100%')
    assert.deepEqual(fired(report), [[count, count]])
    count = 3 - count
  })
})

test('runs at once do not share one: each has its own rules', async (t) => {
  if (!requires(t, ...needs)) return
  const receiver = await Receiver.open(t)
  const rate = (percent: number) => `--drop-net ${percent}%,port=${receiver.port}`
  await untilNothingIsLoaded(() => bash(send(receiver, 9), rate(100)))
  const reports = await Promise.all(
    [100, 0, 100, 0].map((percent, index) => bash(send(receiver, index + 1), rate(percent))),
  )
  assert.deepEqual(reports.flatMap(fired), [
    [1, 1],
    [1, 0],
    [1, 1],
    [1, 0],
  ])
  assert.deepEqual((await receiver.received()).sort(), [2, 4])
})

test('what an earlier run left behind is not under the rules of a later one', async (t) => {
  if (!requires(t, ...needs)) return
  const receiver = await Receiver.open(t)
  const drop = `--drop-net 100%,port=${receiver.port}`
  const [go, sent] = ['go', 'sent'].map((name) => join(scratch(t), name))
  const once = (file: string | undefined) => `until [ -e ${file} ]; do :; done;`
  await untilNothingIsLoaded(() => bash(send(receiver, 9), drop))
  await bash(`(${once(go)} ${send(receiver, 1)} : >${sent}) &`, drop)
  const later = await bash(`: >${go}; ${once(sent)} ${send(receiver, 2)}`, drop)
  assert.deepEqual([fired(later), await receiver.received()], [[[1, 1]], [1]])
})

test('a profiler, which sends this process signals all the time, keeps no program from being loaded', async (t) => {
  if (!requires(t, ...needs)) return
  const folder = scratch(t)
  const program = `
    const { run } = await import('${library}')
    const command = ['bash', '-c', 'echo x >/dev/udp/127.0.0.1/9']
    const report = await run({ command, faults: ['--drop-net 100%,proto=udp'], stdio: 'ignore' })
    console.log(report.rules.map(({ fired }) => fired).join())`
  const profiled = ['--cpu-prof', '--cpu-prof-interval', '200', '--cpu-prof-dir', folder]
  const done = await runProgram([
    ...[process.execPath, ...profiled, '--input-type=module', '-e', program],
  ])
  assert.deepEqual([done.stdout, done.stderr, done.status], ['1\n', '', 0])
  assert.equal(readdirSync(folder).length, 1) // the profile
})

test('a program that has run some ends by itself, and at once, and nothing is left', async (t) => {
  if (!requires(t, ...needs)) return
  const before = systemState()
  const body = `import { run } from ${JSON.stringify(library)}
    for (let i = 0; i < 3; i++) await run({ command: ['true'], faults: ['--drop-net 100%'], stdio: 'ignore' })
    await new Promise((resolve) => setTimeout(resolve, 1))
    process.on('exit', () => console.log(process.getActiveResourcesInfo().includes('Timeout')))`
  const { stdout, stderr, status } = await runProgram([
    ...[process.execPath, '--input-type=module', '-e', body],
  ])
  assert.deepEqual([stdout, stderr, status], ['false\n', '', 0])
  await nothingLeft(before)
})
