/** Running minderbinder, and other programs, as children whose whole outcome is looked at. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { patience } from './patience.ts'
import { whatItWaitsFor } from './waiting.ts'

export const minderbinder = new URL('../../bin/minderbinder', import.meta.url).pathname

export interface RunOptions {
  readonly input?: string | Buffer
  /** Added to the environment; undefined removes. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** Runs it as this user, with the user's groups and no capabilities; needs root. */
  readonly user?: string
  /** Milliseconds; a run that takes longer fails the test. */
  readonly timeout?: number
  readonly stdio?: SpawnOptions['stdio']
}

export interface RunResult {
  /** null where a signal ended it. */
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  readonly stdoutBytes: Buffer
}

/** A child under way. */
export interface Running {
  readonly child: ChildProcess
  readonly pid: number
  /** What it has printed so far. */
  stdout(): string
  stderr(): string
  /** Its end, whether or not others still hold its streams: `exit`, where `result` waits for both. */
  readonly exited: Promise<Pick<RunResult, 'status' | 'signal'>>
  readonly result: Promise<RunResult>
}

export function runMinderbinder(args: readonly string[], options?: RunOptions): Promise<RunResult> {
  return run([minderbinder, ...args], options)
}

export function startMinderbinder(args: readonly string[], options?: RunOptions): Running {
  return start([minderbinder, ...args], options)
}

export function run(command: readonly string[], options?: RunOptions): Promise<RunResult> {
  const running = start(command, options)
  if (options?.stdio === undefined) running.child.stdin?.end(options?.input ?? '')
  return running.result
}

/** MINDERBINDER_TEST_ENGINE=seccomp runs each `minderbinder exec` that names no engine by that one, and not as `auto` does. */
export const engineOption = process.env.MINDERBINDER_TEST_ENGINE
  ? ['--engine', process.env.MINDERBINDER_TEST_ENGINE]
  : []

function byEngine(command: readonly string[]): readonly string[] {
  const at = command.indexOf(minderbinder) + 1
  if (command[at] !== 'exec' || command.includes('--engine')) return command
  return [...command.slice(0, at + 1), ...engineOption, ...command.slice(at + 1)]
}

/** Starts a command; its stdin stays open for the test to write to and end. */
export function start(command: readonly string[], options: RunOptions = {}): Running {
  const [program, ...args] = asUser(byEngine(command), options.user)
  if (program === undefined) throw new Error('no command')
  const child = spawn(program, args, {
    env: environment(options.env),
    stdio: options.stdio ?? 'pipe',
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  const stdout = gather(child.stdout)
  const stderr = gather(child.stderr)
  const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString('utf8')
  // A child that does not read its input does not fail the test.
  child.stdin?.on('error', () => {})
  const result = new Promise<RunResult>((resolve, reject) => {
    const limit = (options.timeout ?? 30_000) * patience
    const timer = setTimeout(() => {
      const waiting = whatItWaitsFor(child.pid ?? 0)
      child.kill('SIGKILL')
      // Whoever else holds them must not keep the test's process waiting.
      for (const stream of child.stdio) stream?.destroy()
      reject(
        new Error(
          `not ended within ${limit} ms (${waiting}): ${command.join(' ')}\n${text(stdout)}${text(stderr)}`,
        ),
      )
    }, limit)
    child.on('error', reject)
    child.on('close', (status, signal) => {
      clearTimeout(timer)
      const stdoutBytes = Buffer.concat(stdout)
      resolve({
        status,
        signal,
        stdout: stdoutBytes.toString('utf8'),
        stderr: text(stderr),
        stdoutBytes,
      })
    })
  })
  const exited = new Promise<Pick<RunResult, 'status' | 'signal'>>((resolve) =>
    child.on('exit', (status, signal) => resolve({ status, signal })),
  )
  // Whoever started it may look at the result late.
  result.catch(() => {})
  return {
    child,
    pid: child.pid ?? 0,
    stdout: () => text(stdout),
    stderr: () => text(stderr),
    exited,
    result,
  }
}

function asUser(command: readonly string[], user: string | undefined): readonly string[] {
  if (user === undefined) return command
  return ['setpriv', `--reuid=${user}`, '--regid=nogroup', '--clear-groups', '--', ...command]
}

/** Ours, without what the test runner put there for its own children. */
function environment(more: RunOptions['env'] = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('NODE_'))
  return { ...Object.fromEntries(own), ...more }
}

function gather(stream: NodeJS.ReadableStream | null): Buffer[] {
  const chunks: Buffer[] = []
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk))
  return chunks
}
