/** `minderbinder run` at work on rules of a test's own, and the programs that it is to hit or to leave alone. */
import assert from 'node:assert/strict'
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { fixture } from './fixture.ts'
import { minderbinder, type Running, type RunResult, start } from './run.ts'
import { scratch } from './scratch.ts'
import { until } from './until.ts'

export interface MachineRun {
  readonly running: Running
  readonly file: string
  /** Ends it by SIGINT. */
  end(): Promise<RunResult>
}

export interface MachineRunOptions {
  readonly args?: readonly string[]
  /** Put in front, to run it somewhere else. */
  readonly inside?: (...command: string[]) => string[]
}

/** Starts it and waits until it is at work; the end of the test ends it. */
export async function startRun(
  t: TestContext,
  yaml: string,
  { args = [], inside = (...command) => command }: MachineRunOptions = {},
): Promise<MachineRun> {
  const file = join(scratch(t), 'config.yaml')
  writeFileSync(file, yaml)
  const running = start(inside(minderbinder, 'run', '--no-graph', ...args, file), {
    timeout: 120_000,
  })
  t.after(() => running.child.kill('SIGKILL'))
  await until(() => running.stdout().includes('minderbinder: start:') || running.child.exitCode, {
    what: 'run at work',
    bound: 30_000,
  })
  assert.equal(running.child.exitCode, null, running.stderr())
  return {
    running,
    file,
    end() {
      running.child.kill('SIGINT')
      return running.result
    },
  }
}

/** Other rules by SIGHUP: ends when they are in force, and the summary of those before is written. */
export async function reload({ running, file }: MachineRun, yaml: string): Promise<void> {
  const reloads = () => running.stderr().split('read again').length
  const before = reloads()
  writeFileSync(file, yaml)
  running.child.kill('SIGHUP')
  await until(() => reloads() > before, { what: 'the new rules' })
}

/** [seen, matched, fired] of a rule in the last summary. */
export function countsOf({ stderr }: Pick<RunResult, 'stderr'>, rule: string): number[] {
  const line = stderr
    .split('\n')
    .findLast((each) => each.startsWith(`minderbinder: ${rule} `) && /( +\d+){3}$/.test(each))
  assert.ok(line, `no line for ${rule} in:\n${stderr}`)
  return line.trim().split(/ +/).slice(-3).map(Number)
}

export interface Client {
  readonly pid: number
  /** Has one line of test/fixtures/net-client.c done: its answer. */
  ask(order: 'udp' | 'new' | 'tcp' | 'pid'): Promise<string>
  /** Idempotent. */
  end(): Promise<void>
}

export interface ClientOptions {
  /** What the program is called. */
  readonly name: string
  readonly port: number
  readonly address?: string
  /** Put in front of the command line: another user, a shell script, a namespace. */
  readonly by?: (...command: string[]) => string[]
}

/** Milliseconds without an answer that make a datagram a lost one: on loopback it takes some microseconds. */
const LOST_MS = 400

/** Starts net-client under a name of its own. */
export async function startClient(
  t: TestContext,
  { name, port, address = '127.0.0.1', by = (...command) => command }: ClientOptions,
): Promise<Client> {
  const program = programCalled(t, name)
  const running = start(by(program, address, `${port}`, `${LOST_MS}`), { timeout: 120_000 })
  t.after(() => running.child.kill('SIGKILL'))
  const lines = createInterface(running.child.stdout!)[Symbol.asyncIterator]()
  const ask = async (order: string) => {
    running.child.stdin?.write(`${order}\n`)
    const { value, done } = await lines.next()
    assert.ok(!done, `${name} has ended: ${running.stderr()}`)
    return String(value)
  }
  return {
    pid: Number(await ask('pid')),
    ask,
    async end() {
      running.child.stdin?.end()
      await running.exited
    },
  }
}

/** A copy of a program under another name; of net-client by default. */
export function programCalled(
  t: TestContext,
  name: string,
  program = fixture('net-client'),
): string {
  const path = join(scratch(t), name)
  copyFileSync(program, path)
  return path
}
