/** `minderbinder serve` at work, and programs that are its clients (control_client.py). */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { client, clientCommand, saidBy } from './control.ts'
import { minderbinder, type Running, type RunResult, start } from './run.ts'
import { scratch } from './scratch.ts'
import { until } from './until.ts'

export interface Served {
  readonly running: Running
  readonly socket: string
  /** Ends it by a signal, SIGTERM if none is named. */
  end(signal?: NodeJS.Signals): Promise<RunResult>
}

/**
 * Starts it and waits until it is ready; the end of the test kills it.
 *
 * @param inside put in front, to run it somewhere else
 */
export async function startServe(
  t: TestContext,
  args: readonly string[] = [],
  socket = join(scratch(t), 'socket'),
  inside: readonly string[] = [],
): Promise<Served> {
  const command = [...inside, minderbinder, 'serve', '--socket', socket, ...args]
  const running = start(command, { timeout: 240_000 })
  t.after(() => running.child.kill('SIGKILL'))
  const ready = () => running.stdout().includes('serving at') || running.child.exitCode !== null
  await until(ready, { what: 'serve at work', bound: 30_000 })
  assert.equal(running.child.exitCode, null, running.stderr())
  return {
    running,
    socket,
    end(signal = 'SIGTERM') {
      running.child.kill(signal)
      return running.result
    },
  }
}

/** The environment of a client, and of what it starts. */
export function clientEnvironment({ socket }: Pick<Served, 'socket'>) {
  return { MINDERBINDER_CONTROL: socket, CONTROL_CLIENT: client }
}

/** A client that nothing of ours has started. @param inside as for startServe() */
export function startServed(
  served: Pick<Served, 'socket'>,
  program: string,
  inside: readonly string[] = [],
): Running {
  const env = clientEnvironment(served)
  return start([...inside, ...clientCommand(program)], { env, timeout: 120_000 })
}

/** What it has said, line by line. @throws {Error} it failed */
export async function runServed(
  served: Pick<Served, 'socket'>,
  program: string,
): Promise<unknown[]> {
  return saidBy(await startServed(served, program).result)
}
