/** The programs of bpf/syscall.bpf.c on their calls: all of them, by links, or none. */
import { close as closeFile, closeSync } from 'node:fs'
import { promisify } from 'node:util'
import { MinderbinderError } from '../../errors.ts'
import { architecture } from '../../kernel/architecture.ts'
import { attachRawTracepoint, attachTypes, createLink, LinkError } from '../../kernel/bpf/link.ts'
import { entryFunction, entryFunctionNames } from '../../kernel/tracing/entry-function.ts'
import { tracedFunctions } from '../../kernel/tracing/ftrace-jump.ts'
import { openKprobe } from '../../kernel/tracing/kprobe.ts'
import type { SyscallRule } from '../../rules/rule.ts'
import type { EngineContext } from '../engine.ts'
import { availableWays } from './here.ts'
import { followersOf, OverrideObject } from './object.ts'
import type { Way } from './ways.ts'

const closeLink = promisify(closeFile)

/** A program and where it goes. */
interface Place {
  readonly program: string
  readonly call: string
  readonly way: Way | 'touch'
}

export interface OverrideAttachment {
  readonly object: OverrideObject
  /** Idempotent. */
  detach(): Promise<void>
}

/** @throws {MinderbinderError} MB_LIBBPF, MB_NO_PERMISSION, MB_ATTACH, MB_NO_ENGINE */
export async function attachOverride(
  context: EngineContext,
  indices: readonly number[],
  ways: ReadonlyMap<string, Way>,
): Promise<OverrideAttachment> {
  const places = placesOf(
    ways,
    indices.map((index) => context.rules[index] as SyscallRule),
  )
  const targets = Object.fromEntries(
    places
      .filter(({ way }) => way !== 'kprobe')
      .map(({ program, call }) => [program, entryFunctionNames(call, architecture)]),
  )
  refuseSecond(places.map(({ call }) => call))
  const shared = places.some(({ way }) => way === 'kprobe') ? ['mb_override'] : []
  const object = await OverrideObject.load(context, indices, shared, targets)
  const links: number[] = []
  const detach = async () => {
    for (const link of links.splice(0)) await closeLink(link)
  }
  try {
    for (const name of followersOf(context))
      links.push(await attachRawTracepoint(object.program(`mb_${name}`), `sched_process_${name}`))
    // One by one: the kernel is changing its own code, and waits for a grace period each time.
    for (const place of places) links.push(await attachTo(object, place))
    return { object, detach }
  } catch (error) {
    await detach()
    object.close()
    throw error
  }
}

function placesOf(ways: ReadonlyMap<string, Way>, rules: readonly SyscallRule[]): Place[] {
  let modified = 0
  return [...ways].flatMap(([call, way]): Place[] => {
    if (way === 'kprobe') return [{ program: 'mb_override', call, way }]
    const slot = modified++
    const path = rules.some((rule) => rule.path !== undefined && rule.syscalls.includes(call))
    return [
      ...(path ? [{ program: `mb_touch_${slot}`, call, way: 'touch' as const }] : []),
      { program: `mb_modify_${slot}`, call, way },
    ]
  })
}

async function attachTo(object: OverrideObject, { program, call, way }: Place): Promise<number> {
  const fd = object.program(program)
  const functionName = entryFunction(call, architecture)
  try {
    if (way === 'modify') return await createLink(fd, 0, attachTypes.modifyReturn)
    if (way === 'touch') return await createLink(fd, 0, attachTypes.traceEntry)
    const probe = await openKprobe(functionName)
    if (probe < 0) throw new LinkError(-probe)
    try {
      return await createLink(fd, probe, attachTypes.perfEvent)
    } finally {
      closeSync(probe)
    }
  } catch (error) {
    if (!(error instanceof LinkError)) throw error
    throw new MinderbinderError(
      'MB_ATTACH',
      `${program} does not attach to ${functionName} for ${call}: ${error.message}`,
      { hint: 'this kernel does not let this call fail: --engine seccomp does', cause: error },
    )
  }
}

/**
 * Two of us at once, or a tracer before us. Between looking and attaching somebody else may still come.
 *
 * @throws {MinderbinderError} MB_ATTACH
 */
function refuseSecond(calls: readonly string[]): void {
  const traced = tracedFunctions()
  const taken = calls.find((call) => traced?.has(entryFunction(call, architecture)) ?? true)
  if (taken === undefined || availableWays.second) return
  throw new MinderbinderError(
    'MB_ATTACH',
    `something else may be attached to ${entryFunction(taken, architecture)} for ${taken}, and this kernel crashes at the second program there`,
    { hint: 'CONFIG_CC_OPTIMIZE_FOR_SIZE and CONFIG_DYNAMIC_FTRACE_WITH_JMP make it so' },
  )
}
