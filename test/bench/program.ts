/** Running programs and reading the number that they print. */
import { spawnSync } from 'node:child_process'
import { minderbinder } from '../helpers/run.ts'

/**
 * Without what node reads. NODE_EXTRA_CA_CERTS alone, say, makes every start of node twice as slow, and would
 * flatter us: minderbinder does not hand it on to its own node.
 */
export const environment = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !name.startsWith('NODE_') && !name.startsWith('npm_'),
  ),
)

/** @throws {Error} where it does not exit with 0 */
export function outputOf(command: readonly string[], env: NodeJS.ProcessEnv = environment): string {
  const [program, ...args] = command
  const result = spawnSync(program!, args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  })
  if (result.status !== 0)
    throw new Error(`${command.join(' ')}: ${result.status ?? result.signal}: ${result.stderr}`)
  return result.stdout
}

export function numberFrom(command: readonly string[]): number {
  return Number(outputOf(command))
}

/** Milliseconds from before its start to after its end. */
export function durationOf(command: readonly string[], env?: NodeJS.ProcessEnv): number {
  const begin = process.hrtime.bigint()
  outputOf(command, env)
  return Number(process.hrtime.bigint() - begin) / 1e6
}

export function exec(options: readonly string[], command: readonly string[]): string[] {
  return [minderbinder, 'exec', '-q', ...options, '--', ...command]
}
