/** The programs of bpf/network.bpf.c at work: what tc and cgroup have in common. */
import { type Interface, interfaceIndex, listInterfaces } from '../../kernel/network/interfaces.ts'
import type { Rule } from '../../rules/rule.ts'
import type { Targets } from '../../targets/target.ts'
import type { AttachedEngine, EngineContext, EngineName, EngineSnapshot } from '../engine.ts'
import { inTurns, type RulesAtWork } from '../in-turns.ts'
import { Attachment, type NetworkPrograms } from './attachment.ts'
import { NetworkObject, type NetworkProgram } from './object.ts'
import type { PlacedRules } from './placed-rules.ts'
import { interfaceOf, type NetworkRules } from './settings.ts'

/** What rules need. */
export interface NetworkNeeds {
  readonly rules: NetworkRules
  readonly programs: readonly NetworkProgram[]
  /** Sockets that are open already have to be tagged. */
  readonly tagging: boolean
  /** Whose programs are attached at interfaces: of those of a name, and (undefined) of all. */
  readonly interfaces: ReadonlySet<string | undefined>
}

/** What is attached, and at which interfaces. */
export interface NetworkReach extends Pick<NetworkNeeds, 'programs'> {
  readonly interfaces: Pick<NetworkNeeds['interfaces'], 'has'>
}

/** What an engine attaches, and for what. */
export interface NetworkEngine {
  readonly name: EngineName
  needsOf(rules: readonly Rule[], indices: readonly number[]): NetworkNeeds
  /** Its programs, with which it can do any rules. */
  readonly all: readonly NetworkProgram[]
  /** Nothing is attached yet. */
  programsFor(reach: NetworkReach, context: EngineContext, network: NetworkObject): NetworkPrograms
}

/** What is attached, and for which rules. */
interface Attached {
  readonly engine: NetworkEngine
  readonly attachment: Attachment
  readonly needs: NetworkNeeds
}

/**
 * Everything or nothing. ready() reports how it went at the interfaces: each takes the kernel a while, in which the child
 * can be staged.
 *
 * @throws {MinderbinderError}
 */
export async function startNetwork(
  engine: NetworkEngine,
  context: EngineContext,
  indices: readonly number[],
): Promise<AttachedEngine> {
  const begin = (next: EngineContext, its: readonly number[]) => beginNetwork(engine, next, its)
  return inTurns(engine.name, begin, await begin(context, indices))
}

async function beginNetwork(
  engine: NetworkEngine,
  context: EngineContext,
  indices: readonly number[],
): Promise<RulesAtWork> {
  const needs = engine.needsOf(context.rules, indices)
  const interfaces = await listInterfaces()
  checkNames(context.rules, indices, interfaces)
  const targets = await targetsOf(context, indices)
  const network = await NetworkObject.load(context, needs.rules, needs.programs, targets)
  let placed: PlacedRules
  try {
    placed = network.place(context, needs.rules, targets, interfaces)
  } catch (error) {
    network.end()
    network.close()
    throw error
  }
  const programs = engine.programsFor(needs, context, network)
  const attachment = new Attachment(network, programs, context.onNotice)
  return serve({ engine, attachment, needs }, needs, placed)
}

async function serve(
  attached: Attached,
  { tagging }: NetworkNeeds,
  placed: PlacedRules,
): Promise<RulesAtWork> {
  const { attachment } = attached
  let ready: Promise<void> | undefined
  try {
    placed.enforce()
    ready = (await attachment.begin(placed)).ready
  } catch (error) {
    await attachment.end(placed)
    throw error
  }
  const now = (): EngineSnapshot => ({
    counts: placed.counts(),
    lostEvents: attachment.tallied().lostEvents,
    notes: [...placed.notes(), ...attachment.notes()],
  })
  let last: EngineSnapshot | undefined
  return {
    ready: async () => ready,
    start: () => attachment.network.start(),
    next: (context, indices) => serveNext(attached, context, indices),
    lift: () => attachment.lift(placed),
    snapshot: async () => last ?? now(),
    ...(tagging && { adopt: (target) => placed.adopt(target) }),
    async close() {
      await attachment.lift(placed)
      last ??= now()
      await attachment.end(placed)
    },
  }
}

/** undefined: these rules need something else loaded or attached. */
async function serveNext(
  attached: Attached,
  context: EngineContext,
  indices: readonly number[],
): Promise<RulesAtWork | undefined> {
  const { engine, attachment, needs: before } = attached
  const needs = engine.needsOf(context.rules, indices)
  if (!context.machine || attachment.detached || !haveAll(before, needs)) return undefined
  const targets = await targetsOf(context, indices)
  const { network } = attachment
  if (!network.serves(context, needs.rules, targets)) return undefined
  const placed = network.place(context, needs.rules, targets, await listInterfaces())
  return serve(attached, needs, placed)
}

/** Does `before` have all the programs, and the same one at each interface? */
function haveAll(before: NetworkNeeds, needs: NetworkNeeds): boolean {
  return (
    needs.programs.every((name) => before.programs.includes(name)) &&
    needs.interfaces.size === before.interfaces.size &&
    [...needs.interfaces].every((name) => before.interfaces.has(name))
  )
}

/** Before anything is loaded. @throws {MinderbinderError} MB_INTERFACE */
function checkNames(
  rules: readonly Rule[],
  indices: readonly number[],
  interfaces: readonly Interface[],
): void {
  for (const index of indices) {
    const name = interfaceOf(rules[index])
    if (name !== undefined) interfaceIndex(interfaces, name)
  }
}

async function targetsOf(
  { rules, targets }: EngineContext,
  indices: readonly number[],
): Promise<Targets | undefined> {
  const targeted = indices.some((index) => rules[index]?.targets !== undefined)
  return targeted ? targets?.() : undefined
}
