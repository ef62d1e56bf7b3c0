/** The programs of bpf/syscall.bpf.c on their calls: all of them, by links, or none. */
import { close as closeFile, closeSync } from 'node:fs'
import { promisify } from 'node:util'
import { MinderbinderError } from '../../errors.ts'
import { architecture } from '../../kernel/architecture.ts'
import { attachRawTracepoint, attachTypes, createLink, LinkError } from '../../kernel/bpf/link.ts'
import { entryFunctionNames } from '../../kernel/tracing/entry-function.ts'
import { openKprobe } from '../../kernel/tracing/kprobe.ts'
import { tracedFunctions } from '../../kernel/tracing/traced-functions.ts'
import type { SyscallRule } from '../../rules/rule.ts'
import type { EngineContext } from '../engine.ts'
import { availableWays } from './here.ts'
import { hookFunctions, hooksOf } from './hooks.ts'
import { type Changing, followersOf, OverrideObject } from './object.ts'
import type { PlacedRules } from './placed-rules.ts'
import { clashes, type Traced } from './taken-entries.ts'
import type { AttachedWay, Way } from './ways.ts'

const closeLink = promisify(closeFile)

/** A program and where it goes. */
interface Place {
  readonly program: string
  /** What it is for. */
  readonly call: string
  /** The kernel's function, by the names that it may have. */
  readonly functions: readonly string[]
  readonly by: 'modify' | 'trace' | 'kprobe'
}

/** What is attached, and how calls are met by it. */
interface Attachment {
  readonly object: OverrideObject
  readonly ways: ReadonlyMap<string, AttachedWay>
  /** Idempotent. */
  detach(): Promise<void>
}

export interface OverrideAttachment extends Attachment {
  /** Those that it was loaded for. */
  readonly first: PlacedRules
}

export interface ChangingAttachment extends Attachment {
  /** Programs that serve the calls of those that come later, too: hooks do not know which call they are in. */
  readonly common: readonly string[]
}

/** @throws {MinderbinderError} MB_LIBBPF, MB_NO_PERMISSION, MB_ATTACH, MB_NO_ENGINE */
export async function attachOverride(
  context: EngineContext,
  indices: readonly number[],
  ways: ReadonlyMap<string, Way>,
): Promise<OverrideAttachment> {
  const rules = indices.map((index) => context.rules[index] as SyscallRule)
  const places = placesOf(ways, rules)
  const before = tracedBefore(places)
  const { probes, targets } = programsOf(places)
  const { object, first } = await OverrideObject.load(context, indices, probes, targets)
  const detach = await attachAll(object, followersOf(context), places, before)
  return { object, first, ways: attachedWays(ways, places), detach }
}

/**
 * For rules that come and go, these first or next.
 *
 * @throws {MinderbinderError} MB_LIBBPF, MB_NO_PERMISSION, MB_ATTACH, MB_NO_ENGINE
 */
export async function attachChanging(
  context: EngineContext,
  rules: readonly SyscallRule[],
  ways: ReadonlyMap<string, Way>,
  changing: Changing,
): Promise<ChangingAttachment> {
  const places = placesOf(ways, rules).filter(({ program }) => !changing.common?.has(program))
  const before = tracedBefore(places)
  const { probes, targets } = programsOf(places)
  const object = await OverrideObject.loadChanging(context, probes, targets, changing)
  const followers = changing.beside ? [] : followersOf(context, true)
  const detach = await attachAll(object, followers, places, before)
  const common = places.flatMap(({ program }) => (program.startsWith('mb_hook') ? [program] : []))
  return { object, ways: attachedWays(ways, places), common, detach }
}

/** To be loaded: those for kprobes, and the others by the function that each is for. */
function programsOf(places: readonly Place[]) {
  const probes = places.filter(({ by }) => by === 'kprobe').map(({ program }) => program)
  const others = places.filter(({ by }) => by !== 'kprobe')
  return {
    probes: [...new Set(probes)],
    targets: Object.fromEntries(others.map(({ program, functions }) => [program, functions])),
  }
}

/** @returns what detaches them; if one does not attach, the object is closed */
async function attachAll(
  object: OverrideObject,
  followers: readonly string[],
  places: readonly Place[],
  before: Traced | undefined,
): Promise<() => Promise<void>> {
  const links: number[] = []
  const detach = async () => {
    for (const link of links.splice(0)) await closeLink(link)
  }
  try {
    for (const name of followers)
      links.push(
        await attachRawTracepoint(object.program(name), name.replace('mb_', 'sched_process_')),
      )
    // One by one: the kernel is changing its own code, and waits for a grace period each time.
    for (const place of places) links.push(await attachTo(object, place))
    // Of two that come at once, the later one at least sees the other.
    refuseClash(places, before, tracedFunctions())
    return detach
  } catch (error) {
    await detach()
    object.close()
    throw error
  }
}

function placesOf(ways: ReadonlyMap<string, Way>, rules: readonly SyscallRule[]): Place[] {
  let modified = 0
  const hooked = [...ways].flatMap(([call, way]) => (way === 'hook' ? [call] : []))
  const atEntry = [...ways].flatMap(([call, way]): Place[] => {
    const functions = entryFunctionNames(call, architecture)
    if (way === 'hook') return []
    if (way === 'kprobe') return [{ program: 'mb_override', call, functions, by: way }]
    const slot = modified++
    const path = rules.some((rule) => rule.paths !== undefined && rule.syscalls.includes(call))
    return [
      ...(path ? [{ program: `mb_touch_${slot}`, call, functions, by: 'trace' as const }] : []),
      { program: `mb_modify_${slot}`, call, functions, by: way },
    ]
  })
  return [...atEntry, ...hookPlaces(hooked)]
}

/** Entries first: without its mark, a call passes all hooks. */
function hookPlaces(calls: readonly string[]): Place[] {
  const entries = calls.map((call, slot): Place => {
    const functions = entryFunctionNames(call, architecture)
    return { program: `mb_enter_${slot}`, call, functions, by: 'trace' }
  })
  const hooks = hookFunctions.flatMap((hook, place): Place[] => {
    const call = calls.find((each) => hooksOf(each).includes(hook))
    if (call === undefined) return []
    return [{ program: `mb_hook_${place}`, call, functions: [hook], by: 'modify' }]
  })
  return [...entries, ...hooks]
}

function attachedWays(
  ways: ReadonlyMap<string, Way>,
  places: readonly Place[],
): ReadonlyMap<string, AttachedWay> {
  const touched = new Set(places.flatMap(({ call, by }) => (by === 'trace' ? [call] : [])))
  return new Map(
    [...ways].map(([call, way]) => [call, { way, touches: way === 'hook' || touched.has(call) }]),
  )
}

async function attachTo(
  object: OverrideObject,
  { program, call, functions, by }: Place,
): Promise<number> {
  const fd = object.program(program)
  const functionName = functions[0]!
  try {
    if (by === 'modify') return await createLink(fd, 0, attachTypes.modifyReturn)
    if (by === 'trace') return await createLink(fd, 0, attachTypes.traceEntry)
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
 * What is there already: of two of us, or of a tracer. Another may still come between looking and attaching.
 *
 * @throws {MinderbinderError} MB_ATTACH
 */
function tracedBefore(places: readonly Place[]): Traced | undefined {
  const traced = tracedFunctions()
  refuseSecond(places, traced)
  refuseClash(places, traced, traced)
  return traced
}

/** @throws {MinderbinderError} MB_ATTACH */
function refuseSecond(places: readonly Place[], traced: Traced | undefined): void {
  const taken = places.find(({ functions }) => traced?.has(functions[0]!) ?? true)
  if (taken === undefined || availableWays.second) return
  throw new MinderbinderError(
    'MB_ATTACH',
    `something else may be attached to ${taken.functions[0]} for ${taken.call}, and this kernel crashes at the second program there`,
    { hint: 'CONFIG_CC_OPTIMIZE_FOR_SIZE and CONFIG_DYNAMIC_FTRACE_WITH_JMP make it so' },
  )
}

/** Of a kprobe and a BPF trampoline at one entry, only the trampoline has a say. @throws {MinderbinderError} MB_ATTACH */
function refuseClash(
  places: readonly Place[],
  before: Traced | undefined,
  now: Traced | undefined,
): void {
  if (now === undefined || before === undefined) return
  // At a security hook, no kprobe makes the function return.
  const atEntry = places.filter(({ program }) => !program.startsWith('mb_hook'))
  const clash = atEntry.find(({ functions, by }) =>
    clashes(now, before, functions, by === 'kprobe' ? 'kprobe' : 'modify'),
  )
  if (clash === undefined) return
  const where = `${clash.functions[0]} for ${clash.call}`
  throw new MinderbinderError(
    'MB_ATTACH',
    clash.by === 'kprobe'
      ? `a BPF program is attached to ${where} already, and a kprobe has no effect beside it`
      : `a kprobe is attached to ${where} already, and a BPF program would cancel it`,
    { hint: 'wait until the other session or tracer has ended, or use --engine ptrace' },
  )
}
