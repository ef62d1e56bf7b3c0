/** One run of a command under faults: everything is set up, the child runs, everything is given back. */
import type { AttachedEngine, CommandUser } from '../engines/engine.ts'
import { supervisedTargets } from '../engines/seccomp/supervised-targets.ts'
import { collectCounts } from '../engines/totals.ts'
import { architecture } from '../kernel/architecture.ts'
import type { ChildCgroup } from '../kernel/cgroup/cgroup.ts'
import type { Home } from '../launch/home.ts'
import { execFailure, stageFailure } from '../launch/start-errors.ts'
import { type ChildEnd, StageError, type Supervisor } from '../launch/supervisor.ts'
import type { Observation } from '../observe/observation.ts'
import type { Wanted } from '../observe/observer.ts'
import type { Activity } from '../report/activity.ts'
import { encodeCallShapes, encodeRules } from '../rules/encode.ts'
import type { Rule } from '../rules/rule.ts'
import type { TargetTable } from '../targets/target-table.ts'
import { UndoStack } from '../undo.ts'
import { type AttachedEngines, attachEngines } from './attach-engines.ts'
import { closeCgroup, openCgroup } from './child-cgroup.ts'
import type { CommandPlan } from './plan.ts'
import type { Session, SessionSnapshot } from './session.ts'

/** What open() has made. */
interface Parts {
  readonly attached: AttachedEngines
  readonly observation: Observation | undefined
  /** Hears that the child has ended; of a child that was killed, nothing is to go on. */
  readonly onEnded: (killed: boolean) => void
  /** What a reader of the summary must know, besides what the engines say: asked for once, at the end. */
  readonly lastNotes: () => Promise<readonly string[]>
}

export class CommandSession implements Session {
  readonly #plan: CommandPlan
  readonly #supervisor: Supervisor
  readonly #parts: Parts
  readonly #undo: UndoStack
  #killed = false
  #ended: Promise<ChildEnd> | undefined
  #closed: Promise<SessionSnapshot> | undefined

  private constructor(plan: CommandPlan, supervisor: Supervisor, parts: Parts, undo: UndoStack) {
    this.#plan = plan
    this.#supervisor = supervisor
    this.#parts = parts
    this.#undo = undo
  }

  /**
   * Everything is ready, and the child is there and waits for start().
   *
   * @throws {MinderbinderError} what keeps the command from running; then nothing is left
   */
  static async open(plan: CommandPlan, home: Home): Promise<CommandSession> {
    const undo = new UndoStack()
    try {
      return new CommandSession(plan, home.supervisor, await open(plan, home, undo), undo)
    } catch (error) {
      await undo.run().catch(() => {}) // what went wrong first is what the user must hear of
      throw error
    }
  }

  get rules(): readonly Rule[] {
    return this.#plan.rules
  }

  /** The child execs. @throws {MinderbinderError} MB_EXEC_NOT_FOUND, MB_EXEC_FAILED */
  async start(): Promise<void> {
    for (const engine of this.#parts.attached.engines) engine.start?.()
    const errno = await this.#supervisor.go()
    const { command, search } = this.#plan
    if (errno !== 0) throw execFailure(command, errno, search)
  }

  /** How the child ended, once it was started. */
  get ended(): Promise<ChildEnd> {
    this.#ended ??= this.#supervisor.exited().then((end) => {
      this.#parts.onEnded(this.#killed)
      return end
    })
    return this.#ended
  }

  /** SIGKILL for the child, and at close() for all that it has started. */
  kill(): void {
    this.#killed = true
    this.#supervisor.kill()
  }

  sample(): Promise<Activity> {
    const { observation } = this.#parts
    return observation?.sample() ?? Promise.reject(new Error('the session is not watched'))
  }

  snapshot(): Promise<SessionSnapshot> {
    return this.#closed ?? this.#now()
  }

  async lift(): Promise<void> {
    for (const engine of this.#parts.attached.engines) await engine.lift?.()
  }

  close(): Promise<SessionSnapshot> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #now(): Promise<SessionSnapshot> {
    const { engines, names, notes } = this.#parts.attached
    const { rules } = this.#plan
    const totals = await collectCounts(rules.length, engines)
    return { ...totals, rules, engines: names, notes: [...notes, ...totals.notes] }
  }

  async #close(): Promise<SessionSnapshot> {
    let last: SessionSnapshot
    try {
      // First: what the child left behind would go on to be faulted after the last count.
      await this.lift()
      const now = await this.#now()
      last = { ...now, notes: [...now.notes, ...(await this.#parts.lastNotes())] }
    } catch (error) {
      await this.#undo.run().catch(() => {})
      throw error
    }
    await this.#undo.run()
    return last
  }
}

async function open(given: CommandPlan, home: Home, undo: UndoStack): Promise<Parts> {
  const { supervisor } = home
  const observation = given.watched && (await observationOf(given.watched))
  const user = given.user ?? ourselves()
  const plan = {
    ...given,
    onEvent: observation ? observation.listener(given.onEvent) : given.onEvent,
    // Root's programs have all rights already: no fault hands any on.
    includeSetuid: given.includeSetuid || user.uid === 0,
  }
  // Undone last: the supervisor goes on to serve what the child has left behind, or ends.
  const events = supervisor.readEvents(plan.onEvent)
  undo.push(async () => {
    supervisor.release()
    await events
  })
  const cgroup = await openCgroup(plan, home)
  let goesOn = false
  if (cgroup) undo.push(() => closeCgroup(cgroup, goesOn))
  const targets = targetsOf(plan, cgroup, undo)
  const own = { cgroup, supervisor, user, targets: targets.open }
  const attached = await attachEngines(plan, own, undo)
  const { engines, names } = attached
  const child = await stage(plan, supervisor, engines, cgroup)
  const outOfReach = await networkNotes(plan, cgroup, child)
  if (observation) {
    undo.push(() => observation.close())
    const { targetsOfCommand } = await import('../observe/targets-now.ts')
    await observation.open({
      rules: plan.rules,
      seed: plan.seed,
      engines: names,
      totals: () => collectCounts(plan.rules.length, engines),
      targets: targetsOfCommand(cgroup, child, plan.rules),
      counted: cgroup ? { cgroup } : { missing: 'no cgroup tells the targets from others' },
    })
  }
  for (const engine of engines) await engine.ready?.()
  return {
    attached,
    observation,
    onEnded(killed) {
      goesOn = !killed
    },
    async lastNotes() {
      const spared = !engines.some((each) => each.tellsOfSpared)
      return [...(await targets.notes({ spared })), ...outOfReach()]
    },
  }
}

/** Imported here: a start that is not watched does not wait for it. */
async function observationOf(wanted: Wanted): Promise<Observation> {
  const { Observation } = await import('../observe/observation.ts')
  return new Observation(wanted)
}

/** The child's pid: it waits to exec. @throws {MinderbinderError} */
async function stage(
  plan: CommandPlan,
  supervisor: Supervisor,
  engines: readonly AttachedEngine[],
  cgroup: ChildCgroup | undefined,
): Promise<number> {
  const rules = encodeRules(plan.rules, {
    arch: architecture,
    interfaceIndex: () => 0, // network rules are not the supervisor's to do
  })
  const active = engines.flatMap(({ child }) => child?.notified ?? [])
  const supervised = await supervisedTargets(plan.rules, active)
  try {
    return await supervisor.stage({
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
}

function ourselves(): CommandUser {
  return { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
}

/** What of the command network faults do not reach, as far as it can be seen: what it inherits, and who leaves. */
async function networkNotes(
  { rules }: CommandPlan,
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
  { rules, includeSetuid }: CommandPlan,
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
