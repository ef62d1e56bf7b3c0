/** One run of a command under faults: everything is set up, the child runs, everything is given back. */
import type { CommandUser } from '../engines/engine.ts'
import { supervisedTargets } from '../engines/seccomp/supervised-targets.ts'
import { collectCounts } from '../engines/totals.ts'
import { architecture } from '../kernel/architecture.ts'
import type { ChildCgroup } from '../kernel/cgroup/cgroup.ts'
import { readEvents } from '../launch/events.ts'
import { type Launcher, StageError } from '../launch/launcher.ts'
import { execFailure, stageFailure } from '../launch/start-errors.ts'
import { encodeCallShapes, encodeRules } from '../rules/encode.ts'
import type { TargetTable } from '../targets/target-table.ts'
import { UndoStack } from '../undo.ts'
import { attachEngines } from './attach-engines.ts'
import { closeCgroup, openCgroup } from './child-cgroup.ts'
import type { Plan, SessionResult } from './plan.ts'

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
    given.observer && (await import('../observe/activity.ts')).observe(given, given.observer)
  const user = given.user ?? ourselves()
  const plan = {
    ...given,
    onEvent: observation ? observation.onEvent : given.onEvent,
    // Root's programs have all rights already: no fault hands any on.
    includeSetuid: given.includeSetuid || user.uid === 0,
  }
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
  const targets = targetsOf(plan, cgroup, undo)
  const own = { cgroup, supervisor: launcher, user, targets: targets.open }
  const attached = await attachEngines(plan, own, undo)
  const { engines, names } = attached
  const active = engines.flatMap(({ child }) => child?.notified ?? [])
  const supervised = await supervisedTargets(plan.rules, active)
  let child: number
  try {
    child = await launcher.stage({
      argvIndex: plan.argvIndex,
      user: plan.user,
      cgroup: cgroup?.path,
      events: plan.onEvent !== undefined,
      includeLoader: plan.includeLoader,
      includeSetuid: plan.includeSetuid,
      seed: plan.seed,
      rules,
      ruleCount: plan.rules.length,
      active,
      ...supervised,
      callShapes: () => encodeCallShapes(architecture),
    })
  } catch (error) {
    throw error instanceof StageError ? stageFailure(error, plan.command) : error
  }
  const outOfReach = await networkNotes(plan, cgroup, child)
  const stopObserving = await observation?.start({ engines, names, cgroup, child }, undo)
  for (const engine of engines) engine.start?.()
  const errno = await launcher.go()
  if (errno !== 0) throw execFailure(plan.command, errno)
  const end = await launcher.exited()
  ended = true
  await stopObserving?.()
  // First: whoever the child left behind would go on to be faulted after the last count.
  for (const engine of engines) await engine.lift?.()
  const totals = await collectCounts(plan.rules.length, engines)
  const ofTargets = await targets.notes({ spared: !engines.some((each) => each.tellsOfSpared) })
  const notes = [...attached.notes, ...totals.notes, ...ofTargets, ...outOfReach()]
  return { end, ...totals, engines: names, notes }
}

function ourselves(): CommandUser {
  return { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
}

/** What of the command network faults do not reach, as far as it can be seen: what it inherits, and who leaves. */
async function networkNotes(
  { rules }: Plan,
  cgroup: ChildCgroup | undefined,
  child: number,
): Promise<() => string[]> {
  if (!cgroup || rules.every(({ kind }) => kind === 'syscall')) return () => []
  // Imported here: a start without network rules does not wait for them.
  const { inheritedSocketNotes } = await import('../engines/network/inherited-sockets.ts')
  const { CgroupLeavers } = await import('./cgroup-leavers.ts')
  const inherited = await inheritedSocketNotes(child)
  const leavers = new CgroupLeavers(cgroup.path, child)
  return () => [...inherited, ...leavers.notes()]
}

/** Who is a target: looked after where an engine asks, for the supervisor finds targets by itself. */
function targetsOf(
  { rules, includeSetuid }: Plan,
  cgroup: ChildCgroup | undefined,
  undo: UndoStack,
) {
  let table: TargetTable | undefined
  return {
    async open(): Promise<TargetTable> {
      if (table) return table
      // Imported here: a start without targets does not wait for it.
      const { TargetTable } = await import('../targets/target-table.ts')
      const opened = await TargetTable.open(rules, { cgroup, own: 0, includeSetuid })
      undo.push(() => opened.close())
      table = opened
      return opened
    },
    notes: async (wanted: { readonly spared: boolean }): Promise<readonly string[]> =>
      (await table?.notes(wanted)) ?? [],
  }
}
