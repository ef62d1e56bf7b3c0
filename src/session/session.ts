/** One run of a command under faults: everything is set up, the child runs, everything is given back. */
import type { AttachedEngine, SupervisorCounts, TargetCgroup } from '../engines/engine.ts'
import { architecture } from '../kernel/architecture.ts'
import { encodeCallShapes, encodeRules } from '../rules/encode.ts'
import type { TargetTable } from '../targets/target-table.ts'
import { closeCgroup, openCgroup } from './child-cgroup.ts'
import { readEvents } from './events.ts'
import { type Launcher, StageError } from './launcher.ts'
import type { Plan, SessionResult } from './plan.ts'
import { execFailure, stageFailure } from './start-errors.ts'
import { supervisedTargets } from './supervised-targets.ts'
import { collectCounts } from './totals.ts'
import { UndoStack } from './undo.ts'

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

async function run(given: Plan, launcher: Launcher, undo: UndoStack): Promise<SessionResult> {
  // Imported here: a start that nobody looks on at does not wait for it.
  const observation =
    given.observer && (await import('./activity.ts')).observe(given, given.observer)
  const plan = observation ? { ...given, onEvent: observation.onEvent } : given
  const rules = encodeRules(plan.rules, {
    arch: architecture,
    interfaceIndex: () => 0, // network rules are not the supervisor's to do
  })
  const targets = await supervisedTargets(plan.rules)
  // Undone last: the supervisor goes on to serve what the child has left behind, or ends.
  const events = readEvents(plan.onEvent)
  undo.push(async () => {
    launcher.release()
    await events
  })
  const cgroup = await openCgroup(plan, launcher)
  let ended = false
  if (cgroup) undo.push(() => closeCgroup(cgroup, ended))
  const { engines, active, table } = await attachEngines(plan, launcher, cgroup, undo)
  let child: number
  try {
    child = await launcher.stage({
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
  const stopObserving = await observation?.start({ engines, cgroup, child }, undo)
  for (const engine of engines) engine.start()
  const errno = await launcher.go()
  if (errno !== 0) throw execFailure(plan.command, errno)
  const end = await launcher.exited()
  ended = true
  await stopObserving?.()
  // First: whoever the child left behind would go on to be faulted after the last count.
  for (const engine of engines) await engine.lift?.()
  const totals = await collectCounts(plan.rules.length, engines)
  const tableNotes = (await table?.notes()) ?? []
  return { end, ...totals, notes: [...totals.notes, ...tableNotes] }
}

async function attachEngines(
  plan: Plan,
  launcher: Launcher,
  cgroup: TargetCgroup | undefined,
  undo: UndoStack,
): Promise<{
  engines: AttachedEngine[]
  active: readonly number[]
  table: TargetTable | undefined
}> {
  let active: readonly number[] = []
  let table: TargetTable | undefined
  /** Made where an engine asks: the supervisor finds targets by itself. */
  const targets = async () => {
    if (table) return table
    // Imported here: a start without targets does not wait for it.
    const { TargetTable } = await import('../targets/target-table.ts')
    const opened = await TargetTable.open(plan.rules, { cgroup, own: 0 })
    undo.push(() => opened.close())
    table = opened
    return opened
  }
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
    const context = { rules, seed, includeLoader, cgroup, targets, supervisor, onEvent }
    const attached = await engine.attach(context, indices)
    undo.push(() => attached.close())
    engines.push(attached)
  }
  return { engines, active, table }
}
