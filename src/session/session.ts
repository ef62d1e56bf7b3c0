/** One run of a command under faults: everything is set up, the child runs, everything is given back. */
import type { AttachedEngine, Supervisor } from '../engines/engine.ts'
import { architecture } from '../kernel/architecture.ts'
import { encodeCallShapes, encodeRules } from '../rules/encode.ts'
import type { RuleCounts } from '../rules/rule.ts'
import { attachEngines } from './attach-engines.ts'
import { closeCgroup, openCgroup } from './child-cgroup.ts'
import { readEvents } from './events.ts'
import { type Launcher, StageError } from './launcher.ts'
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
  // Undone last: the supervisor goes on to serve what the child has left behind, or ends.
  const events = readEvents(plan.onEvent)
  undo.push(async () => {
    launcher.release()
    await events
  })
  const cgroup = await openCgroup(plan, launcher)
  let ended = false
  if (cgroup) undo.push(() => closeCgroup(cgroup, ended))
  const { supervisor, orders } = supervisorOf(launcher)
  const attached = await attachEngines(plan, { cgroup, supervisor }, undo)
  const { engines } = attached
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
      active: orders.active,
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
  const { notes, ...counted } = await countAll(plan, engines)
  return { end, ...counted, engines: attached.names, notes: [...attached.notes, ...notes] }
}

/** The supervisor, and what it has been told to do. */
function supervisorOf(launcher: Launcher) {
  const orders: { active: readonly number[] } = { active: [] }
  const supervisor: Supervisor = {
    serve(indices) {
      orders.active = indices
    },
    counts: () => launcher.counts(),
    lift: () => launcher.lift(),
  }
  return { supervisor, orders }
}

async function countAll(
  plan: Plan,
  engines: readonly AttachedEngine[],
): Promise<Omit<SessionResult, 'end' | 'engines'>> {
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
