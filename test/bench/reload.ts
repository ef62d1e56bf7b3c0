/** How long after SIGHUP `run` has new rules in force. */
import {
  closeSync,
  copyFileSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { errnoCode } from '../../src/kernel/errno-code.ts'
import { fixture } from '../helpers/fixture.ts'
import { has } from '../helpers/requires.ts'
import { minderbinder, start } from '../helpers/run.ts'
import { until } from '../helpers/until.ts'
import { type Measure, spread } from './measure.ts'

const RULES = 64
const CROWD = 1000
const RELOADS = 21
const LIMIT_MS = 50
const PATIENCE_MS = 300_000

/** What the last rule does to this process; the others are for the crowd, and never fire. */
interface Probe {
  /** The section of the file. @param on whether the last rule fires */
  rules(on: boolean): string
  /** Is the last rule in force? */
  isHit(): boolean | Promise<boolean>
}

const target = (last: boolean) => (last ? `{pid: ${process.pid}}` : '{process_name: mb-crowd}')

function rulesOf(on: boolean, rule: (rate: number) => string): string {
  const lines = Array.from({ length: RULES }, (_, i) => {
    const last = i === RULES - 1
    return `    - {name: r${i}, ${rule(last && on ? 100 : 0)}, targets: [${target(last)}]}\n`
  })
  return lines.join('')
}

/** fsync of this process, which the kernel refuses with another error anyway. */
function syscallProbe(fd: number): Probe {
  const rule = (rate: number) => `syscall: fsync, ret_code: EIO, failure_rate: ${rate}`
  return {
    rules: (on) => `  syscall:\n${rulesOf(on, rule)}`,
    isHit() {
      try {
        fsyncSync(fd)
        return false
      } catch (error) {
        return errnoCode(error) === 'EIO'
      }
    },
  }
}

/** A connection of this process. */
function networkProbe(port: number): Probe {
  const rule = (rate: number) => `outcome: refuse, port: ${port}, failure_rate: ${rate}`
  return {
    rules: (on) => `  outgoing_network:\n${rulesOf(on, rule)}`,
    isHit: () =>
      new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1', () => {
          socket.destroy()
          resolve(false)
        })
        socket.on('error', () => resolve(true))
      }),
  }
}

export async function reload(): Promise<Measure[]> {
  const name = `SIGHUP of run, ${RULES} rules, ${CROWD} targets: in force after`
  if (!has('root')) return [{ name, ours: '', comparedWith: '', skipped: 'not root' }]
  const folder = mkdtempSync(join(tmpdir(), 'mb-bench-'))
  const crowd = join(folder, 'mb-crowd')
  copyFileSync(fixture('crowd'), crowd)
  const fd = openSync('/dev/null', 'r')
  const server = await listen()
  try {
    const { port } = server.address() as { port: number }
    const probes: [string, Probe][] = [
      ...(has('linux:override') ? [['calls', syscallProbe(fd)] as [string, Probe]] : []),
      ['connections', networkProbe(port)],
    ]
    const measures: Measure[] = []
    for (const [what, probe] of probes) {
      const times = spread(await timesOf(probe, folder, crowd), (each) => each)
      const [low, middle, high] = [times.lowerQuartile, times.median, times.upperQuartile]
      measures.push({
        name: `${name} (${what})`,
        ours: `${middle.toFixed(0)} ms (${low.toFixed(0)} to ${high.toFixed(0)})`,
        comparedWith: '',
        target: { text: `≤ ${LIMIT_MS} ms`, met: middle <= LIMIT_MS },
      })
    }
    return measures
  } finally {
    server.close()
    closeSync(fd)
    rmSync(folder, { recursive: true })
  }
}

async function timesOf(probe: Probe, folder: string, crowd: string): Promise<number[]> {
  const file = join(folder, 'config.yaml')
  const write = (on: boolean) => writeFileSync(file, `agents_of_chaos:\n${probe.rules(on)}`)
  const others = start([crowd, `${CROWD}`], { timeout: PATIENCE_MS })
  await saying(others.stdout, 'ready')
  write(false)
  const run = start([minderbinder, 'run', '--no-graph', file], { timeout: PATIENCE_MS })
  const times: number[] = []
  try {
    await saying(run.stdout, 'start:')
    for (let on = true; times.length < RELOADS; on = !on) {
      const told = run.stderr().split('read again').length
      write(on)
      const begin = performance.now()
      run.child.kill('SIGHUP')
      while ((await probe.isHit()) !== on);
      times.push(performance.now() - begin)
      await until(() => run.stderr().split('read again').length > told, {
        what: 'the last rules told',
      })
    }
  } finally {
    run.child.kill('SIGINT')
    await run.result
    others.child.stdin?.end()
    await others.result
  }
  return times
}

function listen(): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy())
    server.listen(0, '127.0.0.1', () => resolve(server))
  })
}

function saying(stdout: () => string, word: string): Promise<unknown> {
  return until(() => stdout().includes(word), { what: word, bound: PATIENCE_MS })
}
