/** One run of a command under faults: everything is set up, the child runs, everything is given back. */
import type { AttachedEngine, SupervisorCounts, TargetCgroup } from '../engines/engine.ts'
import { architecture } from '../kernel/architecture.ts'
import { encodeCallShapes, encodeRules, encodeTargets } from '../rules/encode.ts'
import type { Rule, RuleCounts } from '../rules/rule.ts'
import { closeCgroup, openCgroup } from './child-cgroup.ts'
import { readEvents } from './events.ts'
import { type Launcher, StageError, type StagePlan } from './launcher.ts'
import type { Plan, SessionResult } from './plan.ts'
import { execFailure, stageFailure } from './start-errors.ts'
import { UndoStack } from './undo.ts'

const nothing: RuleCounts = { seen: 0n, matched: 0n, fired: 0n }

/** @throws {MinderbinderError} whatever keeps the command from running; then nothing is left of it */
export async function runSession(plan: Plan, launcher: Launcher): Promise<SessionResult> {
  const undo = new UndoStack()
  let result: SessionResult
  try {
    result = await run(plan, launcher, undo)
  } catch (error) {
    await undo.run().catch(() => {}) // what went wrong first is what the user must hear of
    throw error
  }
  await undo.run()
  return result
}

async function run(plan: Plan, launcher: Launcher, undo: UndoStack): Promise<SessionResult> {
  const rules = encodeRules(plan.rules, {
    arch: architecture,
    interfaceIndex: () => 0, // network rules are not the supervisor's to do
  })
  const targets = await targetTable(plan.rules)
  // Undone last: the supervisor goes on to serve what the child has left behind, or ends.
  const events = readEvents(plan.onEvent)
  undo.push(async () => {
    launcher.release()
    await events
  })
  const cgroup = await openCgroup(plan, launcher)
  let ended = false
  if (cgroup) undo.push(() => closeCgroup(cgroup, ended))
  const { engines, active } = await attachEngines(plan, launcher, cgroup, undo)
  try {
    await launcher.stage({
      argvIndex: plan.argvIndex,
      user: plan.user,
      cgroup: cgroup?.path,
      events: plan.onEvent !== undefined,
      includeLoader: plan.includeLoader,
      seed: plan.seed,
      rules,
      ruleCount: plan.rules.length,
      active,
      ...targets,
      callShapes: () => encodeCallShapes(architecture),
    })
  } catch (error) {
    throw error instanceof StageError ? stageFailure(error, plan) : error
  }
  for (const engine of engines) engine.start()
  const errno = await launcher.go()
  if (errno !== 0) throw execFailure(plan.command, errno)
  const end = await launcher.exited()
  ended = true
  return { end, ...(await countAll(plan, engines)) }
}

/** struct target[], where rules have any. @throws {MinderbinderError} MB_CGROUP, MB_NO_CGROUP2 */
async function targetTable(
  rules: readonly Rule[],
): Promise<Pick<StagePlan, 'targets' | 'targetCount' | 'cgroupRoot'>> {
  const all = rules.flatMap(({ targets = [] }) => targets)
  if (all.length === 0) return { targets: Buffer.alloc(0), targetCount: 0, cgroupRoot: '' }
  // Imported here: a start without targets does not wait for it.
  const { cgroupId, hierarchyRoot } = await import('../kernel/cgroup-id.ts')
  const inCgroups = all.some(({ kind }) => kind === 'cgroup')
  return {
    targets: encodeTargets(rules, cgroupId),
    targetCount: all.length,
    cgroupRoot: inCgroups ? hierarchyRoot() : '',
  }
}

async function attachEngines(
  plan: Plan,
  launcher: Launcher,
  cgroup: TargetCgroup | undefined,
  undo: UndoStack,
): Promise<{ engines: AttachedEngine[]; active: readonly number[] }> {
  let active: readonly number[] = []
  const supervisor = {
    serve(indices: readonly number[]) {
      active = indices
    },
    counts: (): Promise<SupervisorCounts> => launcher.counts(),
    lift: () => launcher.lift(),
  }
  const engines: AttachedEngine[] = []
  const { rules, seed, includeLoader, onEvent } = plan
  for (const [engine, indices] of plan.engines) {
    const context = { rules, seed, includeLoader, cgroup, supervisor, onEvent }
    const attached = await engine.attach(context, indices)
    undo.push(() => attached.close())
    engines.push(attached)
  }
  return { engines, active }
}

async function countAll(
  plan: Plan,
  engines: readonly AttachedEngine[],
): Promise<Omit<SessionResult, 'end'>> {
  const counts = plan.rules.map(() => nothing)
  let lostEvents = 0n
  let foreignCalls = 0n
  const notes: string[] = []
  // First: whoever the child left behind would go on to be faulted after the last count.
  for (const engine of engines) await engine.lift?.()
  for (const engine of engines) {
    for (const [index, count] of await engine.counts()) counts[index] = count
    lostEvents += engine.lostEvents()
    foreignCalls += engine.foreignCalls?.() ?? 0n
    notes.push(...(engine.notes?.() ?? []))
  }
  return { counts, lostEvents, foreignCalls, notes }
}
