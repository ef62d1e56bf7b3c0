/** The override engine at work: how it attaches here, and what it reports afterwards. */
import { members } from '../../kernel/cgroup/members.ts'
import { gracePeriod } from '../../kernel/grace-period.ts'
import type { SyscallRule } from '../../rules/rule.ts'
import { Shared } from '../../shared.ts'
import type { AttachedEngine, EngineContext } from '../engine.ts'
import { type Begin, inTurns, type RulesAtWork } from '../in-turns.ts'
import { attachOverride } from './attach.ts'
import { type Losses, lossesSince, noLosses, notesOn } from './losses.ts'
import { attachSomehow, type Manner } from './manner.ts'
import type { OverrideObject } from './object.ts'
import type { PlacedRules } from './placed-rules.ts'
import { countedPerProcess } from './settings.ts'
import { type AttachedWay, waysServe } from './ways.ts'

/** What is attached, for all sets of rules that it serves. */
interface Attached {
  readonly manner: Manner
  readonly object: OverrideObject
  readonly ways: ReadonlyMap<string, AttachedWay>
  /** Descriptor of the map in which its programs look targets up. */
  readonly table: number | undefined
  readonly wantsEvents: boolean
  /** Reported by sets that have ended. */
  told: Losses
  /** The sets, the one that began first in front. */
  readonly sets: PlacedRules[]
}

/** Attaches everything or nothing. @throws {MinderbinderError} */
export async function start(
  manner: Manner,
  context: EngineContext,
  indices: readonly number[],
): Promise<AttachedEngine> {
  const begin: Begin = (context, indices) => beginBy(manner, context, indices)
  return inTurns(manner.name, begin, await begin(context, indices))
}

async function beginBy(
  manner: Manner,
  context: EngineContext,
  indices: readonly number[],
): Promise<RulesAtWork> {
  const rules = indices.map((index) => context.rules[index] as SyscallRule)
  const attempts = manner.attempts(rules, manner.calls(rules))
  const { object, first, ways, detach } = await attachSomehow(manner, attempts, (ways) =>
    attachOverride(context, indices, ways),
  )
  const attached = {
    manner,
    object,
    ways,
    // A command's table is opened for rules with targets only, and no other rules follow its own.
    table: context.machine ? (await context.targets?.())?.map : undefined,
    wantsEvents: context.onEvent !== undefined,
    told: noLosses,
    sets: [],
  }
  const shared = new Shared<Attached>(attached, async () => {
    await detach()
    object.close()
  })
  return serve(shared, context, indices, first)
}

/** By what is attached; for a command or, beside other sets, for the machine. */
function serve(
  shared: Shared<Attached>,
  context: EngineContext,
  indices: readonly number[],
  placed: PlacedRules,
): RulesAtWork {
  const { object, sets, manner } = shared.value
  // Of rules with targets, those that follow the targets say which programs were spared.
  const tellsOfSpared = indices.some((index) => context.rules[index]?.targets === undefined)
  sets.push(placed)
  let lifting: Promise<void> | undefined
  /** Once lifted: what others lose from then on is not its own. */
  let last: Losses | undefined
  const liftNow = async () => {
    if (!context.machine) object.disarm()
    // Calls that are being decided on other processors count, and have their events.
    if (context.machine || isPopulated(context)) await gracePeriod()
    last = await object.losses()
  }
  const lift = () => {
    lifting ??= liftNow()
    return lifting
  }
  const losses = async () => lossesSince(last ?? (await object.losses()), shared.value.told)
  return {
    tellsOfSpared,
    next: (next, nextIndices) => serveNext(shared, next, nextIndices),
    lift,
    async snapshot() {
      const lost = await losses()
      return {
        counts: placed.counts(),
        lostEvents: lost.events,
        foreignCalls: lost.foreignCalls,
        notes: notesOn(manner.name, tellsOfSpared ? lost : { ...lost, spared: 0n }),
      }
    },
    async close() {
      await lift()
      const at = sets.indexOf(placed)
      if (at < 0) return
      // Where it was the first one, those that follow go on from here; else it has never been in force.
      if (at === 0 && last) shared.value.told = last
      sets.splice(at, 1)
      await shared.leave()
      placed.leave()
    },
  }
}

/** Has the command left processes behind? */
function isPopulated({ cgroup }: EngineContext): boolean {
  return cgroup !== undefined && members(cgroup.path).length > 0
}

/** undefined: these rules need something else attached. */
async function serveNext(
  shared: Shared<Attached>,
  context: EngineContext,
  indices: readonly number[],
): Promise<RulesAtWork | undefined> {
  const { object, ways, wantsEvents, table, manner } = shared.value
  const rules = indices.map((index) => context.rules[index] as SyscallRule)
  // What processes have counted stays until they end: there is no room for another set's.
  if (countedPerProcess(context.rules, indices) > 0) return undefined
  if (!context.machine || wantsEvents !== (context.onEvent !== undefined)) return undefined
  if (!waysServe(ways, rules, manner.calls(rules))) return undefined
  const targets = await context.targets?.()
  if (targets?.map !== table) return undefined
  const placed = object.place(context, indices, targets)
  return serve(shared.join(), context, indices, placed)
}
