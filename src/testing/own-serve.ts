/** `minderbinder serve --stdio`, which this thread starts for itself if it may. It ends with this process. */
import net, { type Socket } from 'node:net'
import { delimiter, dirname } from 'node:path'
import { MinderbinderError } from '../errors.ts'
import { packageFile } from '../installation.ts'
import { isInFirstNamespace } from '../kernel/process/namespaces.ts'
import { launcherPath } from '../launch/launcher-path.ts'
import { Connection, type Streams } from './connection.ts'
import { ownFilterIsThere, processSeed } from './own-filter.ts'

const whyLost = 'minderbinder serve, which this process had started, has ended or was killed'

interface Started {
  readonly streams: Streams
  /** Resolves at its end: a signal has ended it, and not itself for some reason. */
  readonly wasEnded: () => Promise<boolean>
}

/** Of this thread, for all that load this module. */
interface Kept {
  /** To the one that was started last. */
  streams?: Streams
  /** Takes them from the module that has them. */
  release?: () => void
  /** Why it does not start. */
  failure?: Pick<MinderbinderError, 'code' | 'message' | 'hint'>
}

/** Test frameworks load modules anew for each test file, but not those of node itself (jest; vitest's pool vmThreads). */
function kept(): Kept {
  const key = Symbol.for(`minderbinder serve of ${packageFile('')}`)
  const holder = net as unknown as Record<symbol, Kept | undefined>
  const found = holder[key] ?? {}
  holder[key] = found
  return found
}

let serving: Connection | undefined
let starting: Promise<Connection> | undefined
let seesMachine: boolean | undefined

export function isRoot(): boolean {
  return process.geteuid?.() === 0
}

/** Why there can be none; undefined: there is one, or can be. */
export function serveRefusal(): MinderbinderError | undefined {
  if (!isRoot()) return new MinderbinderError('MB_NO_PERMISSION', 'minderbinder serve needs root')
  return failedBefore() ?? (starting || isThere(kept().streams) ? undefined : whyNotStart())
}

/** The one of this thread. @throws {MinderbinderError} */
export async function ownServe(): Promise<Connection> {
  if (serving && !serving.isLost) return serving
  starting ??= start().finally(() => {
    starting = undefined
  })
  return starting
}

async function start(): Promise<Connection> {
  const failure = failedBefore()
  if (failure) throw failure
  const { streams, release } = kept()
  const own = streams && isThere(streams) ? await take(streams, release) : await begin()
  kept().release = () => own.release()
  serving = own
  return own
}

async function take(streams: Streams, release: Kept['release']): Promise<Connection> {
  release?.()
  const taken = await Connection.over(streams, whyLost)
  await taken.ask({ type: 'lift' }) // what blocks of other test files have left
  return taken
}

async function begin(): Promise<Connection> {
  let wasEnded = async () => false
  try {
    const started = await startServe()
    wasEnded = started.wasEnded
    return await Connection.over(started.streams, whyLost)
  } catch (error) {
    // What ends it while it starts is no reason why the next one should not start.
    if (error instanceof MinderbinderError && !(await wasEnded())) kept().failure = error
    throw error
  }
}

function isThere(streams: Streams | undefined): boolean {
  return streams !== undefined && !streams.input.destroyed && !streams.output.destroyed
}

function failedBefore(): MinderbinderError | undefined {
  const { failure } = kept()
  if (!failure) return undefined
  const { code, message, hint } = failure
  return new MinderbinderError(code, message, hint === undefined ? {} : { hint })
}

function whyNotStart(): MinderbinderError | undefined {
  seesMachine ??= isInFirstNamespace('pid') // asked once, before a fault can be in the way
  if (!seesMachine)
    return new MinderbinderError(
      'MB_NAMESPACE',
      'minderbinder serve needs all process ids of the machine, and this pid namespace shows a part of them',
    )
  // It would inherit the filter, and faults of this process would hit it.
  if (!ownFilterIsThere()) return undefined
  const before = kept().streams ? `${whyLost}, and` : 'minderbinder serve'
  return new MinderbinderError(
    'MB_CONTROL',
    `${before} cannot start any more: this process has installed a filter on itself`,
    { hint: 'start the tests with minderbinder exec --control -- instead' },
  )
}

/** Not in the terminal's foreground group, so that ^C does not end it before this process. */
async function startServe(): Promise<Started> {
  const { execa } = await import('execa') // few processes are root
  const refusal = whyNotStart()
  if (refusal) throw refusal
  const path = [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter)
  const started = execa(launcherPath(), ['serve', '--stdio', '--seed', processSeed()], {
    env: { PATH: path },
    cwd: '/',
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    // It ends by itself when this process does.
    cleanup: false,
    buffer: false,
    reject: false,
  })
  if (started.pid === undefined) {
    const { originalMessage } = (await started) as { readonly originalMessage?: string | undefined }
    throw new MinderbinderError(
      'MB_LAUNCHER',
      `cannot start minderbinder serve: ${originalMessage}`,
    )
  }
  started.unref()
  const [output, input, notices] = [started.stdin, started.stdout, started.stderr] as Socket[]
  notices!.on('error', () => {}).on('data', (bytes) => process.stderr.write(bytes))
  for (const each of [output!, notices!]) each.unref()
  const streams = { input: input!, output: output! }
  kept().streams = streams
  const wasEnded = async () => {
    started.ref()
    const { exitCode, signal } = await started
    return exitCode === 0 || signal === 'SIGKILL' || signal === 'SIGTERM'
  }
  return { streams, wasEnded }
}
