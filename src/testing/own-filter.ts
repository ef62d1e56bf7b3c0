/**
 * A filter of this process's own, for tests without `minderbinder exec` in front: src/own-filter, a shared library that holds
 * all of its state, since the workers of a process have modules of their own and one filter in common.
 */
import { createRequire } from 'node:module'
import { delimiter, dirname } from 'node:path'
import { type ErrorCode, MinderbinderError } from '../errors.ts'
import { inBackground, type Koffi } from '../kernel/ffi.ts'
import { launcherPath, ownFilterPath } from '../launch/launcher-path.ts'
import { errnoText } from '../rules/names/errnos.ts'
import { randomSeed } from '../rules/seed.ts'
import { filterOwner } from './filter-owner.ts'

/** enum own_filter_state and enum own_filter_failure of src/own-filter/own-filter.h */
const states = { none: 0, starting: 1, ready: 2, failed: 3, lost: 4 } as const
const failures = { threads: 1, helper: 2, refused: 3, ended: 4, seccomp: 5 } as const

const TEXT_SIZE = 8192
const EBUSY = 16
const ESRCH = 3

interface Library {
  state(): number
  start(
    ...given: [launcher: string, path: string, reach: string, seed: string, Buffer, size: number]
  ): Promise<number>
  seed(proposed: number): number
  trial(): number
}

let loaded: Library | undefined
let tried: number | undefined

/** @throws {MinderbinderError} MB_LAUNCHER */
function library(): Library {
  loaded ??= load()
  return loaded
}

function load(): Library {
  const path = ownFilterPath()
  try {
    const functions = koffi().load(path)
    return {
      state: functions.func('int own_filter_state()'),
      start: inBackground(
        functions.func(
          'int own_filter_start(const char *launcher, const char *path, const char *reach, const char *seed, void *text, uint32_t size)',
        ),
      ),
      seed: functions.func('uint32_t own_filter_seed(uint32_t proposed)'),
      trial: functions.func('int own_filter_trial()'),
    }
  } catch (error) {
    throw new MinderbinderError('MB_LAUNCHER', `cannot load ${path}: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

/** As loadKoffi() of src/kernel/ffi.ts, at once: unavailable() returns no promise. */
function koffi(): Koffi {
  const load = createRequire(import.meta.url)
  try {
    return load(`@koromix/koffi-${process.platform}-${process.arch}`)
  } catch {
    return load('koffi')
  }
}

/** Why this process can have none; undefined: it has one, or can. */
export function ownFilterRefusal(): MinderbinderError | undefined {
  try {
    const { state, trial } = library()
    const now = state()
    if (now === states.ready || now === states.starting) return undefined
    if (now === states.lost) return lost()
    tried ??= trial()
    return tried === 0 ? undefined : refusedBySeccomp(tried)
  } catch (error) {
    if (error instanceof MinderbinderError) return error
    throw error
  }
}

/** This process has one, or gets one, of whichever thread. */
export function ownFilterIsThere(): boolean {
  try {
    return ![states.none, states.failed].some((each) => each === library().state())
  } catch {
    return false // the library does not load
  }
}

/** For all that injects faults into this process: one for all threads, as far as a filter is possible. Decimal. */
export function processSeed(): string {
  const proposed = Number(randomSeed()) || 1
  try {
    return `${library().seed(proposed)}`
  } catch {
    return `${proposed}`
  }
}

/**
 * Installs it, unless it is there already.
 *
 * @param reach a SET, or empty; of no account if it is there
 * @returns the path of the control socket
 * @throws {MinderbinderError}
 */
export async function startOwnFilter(reach: string): Promise<string> {
  const text = Buffer.alloc(TEXT_SIZE)
  const path = [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter)
  const seed = processSeed()
  const state = await library().start(launcherPath(), path, reach, seed, text, TEXT_SIZE)
  const said = text.toString('utf8', 0, text.indexOf(0))
  if (state === states.ready) return said
  throw state === states.lost ? lost() : failureOf(said)
}

function lost(): MinderbinderError {
  return new MinderbinderError(
    'MB_CONTROL',
    'the supervisor of this process was killed: its calls go on, without faults',
    { hint: 'a filter cannot be replaced: start the tests again' },
  )
}

function failureOf(said: string): MinderbinderError {
  const [, failure, errno, text] = /^(\d+) (\d+) ([\s\S]*)$/.exec(said) ?? []
  if (Number(failure) === failures.seccomp) return refusedBySeccomp(Number(errno))
  if (Number(failure) === failures.refused) return refusedByHelper(text!)
  const why =
    Number(failure) === failures.ended ? 'it ended without a message' : errnoText(Number(errno))
  return new MinderbinderError('MB_LAUNCHER', `cannot start the helper of this process: ${why}`)
}

function refusedByHelper(json: string): MinderbinderError {
  const { code, message, hint } = JSON.parse(json) as {
    code: ErrorCode
    message: string
    hint?: string
  }
  return new MinderbinderError(code, message, hint === undefined ? {} : { hint })
}

function refusedBySeccomp(errno: number): MinderbinderError {
  if (errno === EBUSY)
    return new MinderbinderError(
      'MB_SECCOMP',
      `this process has a seccomp listener already, and the kernel allows only one: ${filterOwner()}`,
      { hint: 'start the tests with minderbinder exec --control -- instead' },
    )
  if (errno === ESRCH)
    return new MinderbinderError(
      'MB_SECCOMP',
      'a thread of this process has a seccomp filter that the others do not have',
      {
        hint: 'use faults before it gets one, or start the tests with minderbinder exec --control --',
      },
    )
  return new MinderbinderError(
    'MB_SECCOMP',
    `the kernel refuses a seccomp listener: ${errnoText(errno)}`,
    { hint: 'it needs Linux 5.9 with CONFIG_SECCOMP_FILTER' },
  )
}
