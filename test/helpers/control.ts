/** Programs under `exec --control` that are clients of its socket: control_client.py and a few lines of Python. */
import { readdirSync, readFileSync } from 'node:fs'
import { type Running, type RunOptions, type RunResult, startMinderbinder } from './run.ts'

export const client = readFileSync(new URL('control_client.py', import.meta.url), 'utf8')

/** The command line of such a program. */
export function clientCommand(program: string): readonly string[] {
  return ['/usr/bin/python3', '-S', '-c', client + program]
}

export interface ControlOptions extends RunOptions {
  /** Options and faults of exec, `--control` among them unless it is given here. */
  readonly args?: readonly string[]
}

export function startClient(
  program: string,
  { args = [], ...options }: ControlOptions = {},
): Running {
  const control = args.some((arg) => arg.startsWith('--control')) ? [] : ['--control']
  return startMinderbinder(['exec', ...control, ...args, '--', ...clientCommand(program)], {
    ...options,
    env: { ...options.env, CONTROL_CLIENT: client },
  })
}

/** What the program has said, line by line. @throws {Error} it failed */
export async function runClient(program: string, options?: ControlOptions): Promise<unknown[]> {
  return saidBy(await startClient(program, options).result)
}

/** @throws {Error} it failed */
export function saidBy({ status, stdout, stderr }: RunResult): unknown[] {
  if (status !== 0) throw new Error(`status ${status}\n${stdout}${stderr}`)
  return linesOf(stdout)
}

export function linesOf(stdout: string): unknown[] {
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

/** Directories of control sockets, of any run. */
export function socketFolders(): string[] {
  return readdirSync('/tmp').filter((name) => name.startsWith('minderbinder-control-'))
}
