/** SIGKILL for a process of either minderbinder while one runs in a command of the other's exec --control. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { unprivileged } from '../helpers/identity.ts'
import { outerArguments, outerEngines } from '../helpers/nested.ts'
import { alive, descendants, killed, ourProcesses, program } from '../helpers/processes.ts'
import { has } from '../helpers/requires.ts'
import { minderbinder, startMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { until } from '../helpers/until.ts'

const hostname = readFileSync('/etc/hostname', 'utf8')
const victims = ['front', 'supervisor', 'node'] as const

/** Its calls are those of the rule all the time. What it could not do it says: no call may fail, least of all with ENOSYS. */
const command = (file: string) =>
  `: >${file}; while :; do cat /etc/hostname >/dev/null || echo failed >${file}.failed; done`

async function startBoth(
  engine: string,
  file: string,
  options: { readonly user?: string },
): Promise<{ running: ReturnType<typeof startMinderbinder>; inner: number }> {
  const inner = `"$M" exec --syscall openat=EIO,path=/nowhere -- sh -c '${command(file)}'`
  const running = startMinderbinder(
    outerArguments(engine, `${inner}; echo "$?"; exec cat /etc/hostname`),
    { ...options, env: { M: minderbinder } },
  )
  await until(() => existsSync(file), { what: 'the command' })
  const shell = ourProcesses(running.pid).command
  const front = descendants(running.pid).find(
    (pid) =>
      shell !== undefined && /launcher/.test(program(pid)) && descendants(shell).includes(pid),
  )
  assert.ok(front, 'the inner front')
  return { running, inner: front }
}

function victimOf(front: number, who: (typeof victims)[number]): number {
  const pid = who === 'front' ? front : ourProcesses(front)[who]
  assert.ok(pid, who)
  return pid
}

const identities = has('root') ? [{ title: 'as root', options: {} }, unprivileged] : [unprivileged]

for (const engine of outerEngines)
  for (const { title, options } of identities)
    for (const who of victims) {
      test(`the outer ${who} is killed: all ends, by ${engine}, ${title}`, async (t) => {
        const before = systemState()
        const file = join(scratch(t), 'ready')
        const { running } = await startBoth(engine, file, options)
        const tree = descendants(running.pid)
        assert.ok(killed(victimOf(running.pid, who)))
        const done = await running.exited
        assert.deepEqual(
          [done.status, done.signal],
          who === 'front' ? [null, 'SIGKILL'] : [125, null],
        )
        await until(() => !tree.some(alive), { what: 'its tree to end' })
        assert.equal(existsSync(`${file}.failed`), false)
        await nothingLeft(before)
      })

      test(`the inner ${who} is killed: its command ends, and the outer goes on, by ${engine}, ${title}`, async (t) => {
        const before = systemState()
        const file = join(scratch(t), 'ready')
        const { running, inner } = await startBoth(engine, file, options)
        const tree = descendants(inner)
        assert.ok(killed(victimOf(inner, who)))
        const done = await running.result
        const status = who === 'front' ? 137 : 125
        assert.deepEqual([done.status, done.stdout], [0, `${status}\n${hostname}`], done.stderr)
        await until(() => !tree.some(alive), { what: 'its tree to end' })
        assert.equal(existsSync(`${file}.failed`), false)
        await nothingLeft(before)
      })
    }
