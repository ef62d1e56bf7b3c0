/** `run()`: a command under faults, from a program. */
import { engineOptions, planEngines } from '../engines/choose.ts'
import { engines } from '../engines/engines.ts'
import { MinderbinderError } from '../errors.ts'
import { architecture } from '../kernel/architecture.ts'
import { monotonicMs } from '../kernel/monotonic.ts'
import { startSupervisor } from '../launch/start-supervisor.ts'
import type { Stdio } from '../launch/stdio.ts'
import { commandEnd, periodReport, type RunReport, runReport } from '../report/run-report.ts'
import { checkedSeed, randomSeed } from '../rules/seed.ts'
import { CommandSession } from '../session/command-session.ts'
import type { CommandPlan } from '../session/plan.ts'
import { parseFaults } from './faults.ts'
import type { RunRequest } from './request.ts'

/**
 * Runs the command under the faults, and reports what they did. Any number of runs may go on at once.
 *
 * When the promise settles, the command has ended. What it left behind goes on, without faults, unless the run timed
 * out or was aborted. When this process is killed, so is the command with all that it started.
 *
 * @throws {MinderbinderError} a fault, an option or the command is wrong, or the kernel refuses something: `code` says which
 * @throws the reason of `signal`
 */
export async function run(request: RunRequest): Promise<RunReport> {
  const { signal } = request
  signal?.throwIfAborted()
  const place = placeOf(request)
  const plan = planOf(request, place)
  const timeoutMs = timeoutOf(request)
  const startedAt = new Date()
  const start = monotonicMs()
  const { supervisor, gone } = await startSupervisor({
    argv: request.command,
    ...place,
    stdio: threeOf(request.stdio),
  })
  let stop: 'timed-out' | 'aborted' | undefined
  let timer: NodeJS.Timeout | undefined
  let onAbort = () => {}
  try {
    // The supervisor itself removes the cgroup if this process is killed.
    const session = await CommandSession.open(plan, {
      supervisor,
      owner: process.pid,
      announceCgroup: (path) => supervisor.announceCgroup(path),
    })
    const kill = (why: 'timed-out' | 'aborted') => {
      stop ??= why
      session.kill()
    }
    onAbort = () => kill('aborted')
    try {
      signal?.addEventListener('abort', onAbort)
      signal?.throwIfAborted()
      await session.start()
      if (timeoutMs !== undefined) timer = setTimeout(() => kill('timed-out'), timeoutMs)
      const end = await session.ended
      const done = await session.close()
      const times = { startedAt, durationMs: monotonicMs() - start }
      if (stop === 'aborted') throw signal?.reason
      const how = stop === 'timed-out' ? ({ kind: 'timed-out' } as const) : commandEnd(end)
      const { command } = request
      return runReport({ command, seed: plan.seed }, how, periodReport(done, times, architecture))
    } catch (error) {
      await session.close().catch(() => {}) // what went wrong first is what the caller must hear of
      throw error
    }
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
    await gone
  }
}

function planOf(request: RunRequest, { env, cwd }: ReturnType<typeof placeOf>): CommandPlan {
  const [command] = request.command
  if (typeof command !== 'string' || request.command.some((each) => typeof each !== 'string'))
    throw new MinderbinderError('MB_USAGE', 'run: command is not a list of texts', {
      hint: "write { command: ['./app', 'argument'], ... }",
    })
  const rules = parseFaults(request.faults, { arch: architecture })
  const option = request.engine ?? 'auto'
  if (!engineOptions.includes(option))
    throw new MinderbinderError('MB_USAGE', `run: invalid engine ${option}`, {
      hint: `an engine is one of ${engineOptions.join(', ')}`,
    })
  return {
    rules,
    seed: seedOf(request.seed),
    ...planEngines(rules, engines, { option, command }),
    argvIndex: 0,
    command,
    search: { path: env.PATH, cwd },
    user: undefined,
    keepsLoaded: true,
    includeLoader: request.includeLoader === true,
    includeSetuid: request.includeSetuid === true,
  }
}

function placeOf({ env = process.env, cwd = process.cwd() }: RunRequest) {
  return { env, cwd }
}

function seedOf(given: bigint | number | undefined): bigint {
  if (given === undefined) return randomSeed()
  const whole = typeof given === 'bigint' || Number.isSafeInteger(given)
  return checkedSeed(whole ? BigInt(given) : undefined, `run: invalid seed ${given}`)
}

/** setTimeout() takes 31 bits, and fires at once for more. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1

function timeoutOf({ timeoutMs }: RunRequest): number | undefined {
  if (timeoutMs === undefined || (timeoutMs > 0 && timeoutMs <= TIMEOUT_MAX_MS)) return timeoutMs
  throw new MinderbinderError('MB_USAGE', `run: invalid timeoutMs ${timeoutMs}`, {
    hint: `a time-out is a number of milliseconds, more than 0 and at most ${TIMEOUT_MAX_MS}`,
  })
}

function threeOf(given: RunRequest['stdio'] = 'inherit'): readonly [Stdio, Stdio, Stdio] {
  const three = Array.isArray(given) ? given : [given, given, given]
  if (three.length === 3 && three.every(isStdio)) return three as [Stdio, Stdio, Stdio]
  throw new MinderbinderError('MB_USAGE', 'run: invalid stdio', {
    hint: "it is 'inherit', 'ignore' or a descriptor, or a list of three of them",
  })
}

/** No 'pipe': nothing would read it. */
function isStdio(given: unknown): boolean {
  return (
    given === 'inherit' || given === 'ignore' || (Number.isInteger(given) && Number(given) >= 0)
  )
}
