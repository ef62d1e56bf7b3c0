/** One run of a command under faults: sets everything up, runs the child, gives everything back. */
import {
  type AttachedEngine,
  type CommandUser,
  type Engine,
  type EngineName,
  kernelEngines,
} from '../engines/engine.ts'
import { supervisedTargets } from '../engines/supervised/targets.ts'
import { collectCounts } from '../engines/totals.ts'
import { architecture } from '../kernel/architecture.ts'
import type { ChildCgroup } from '../kernel/cgroup/cgroup.ts'
import type { Home } from '../launch/home.ts'
import { execFailure, stageFailure } from '../launch/start-errors.ts'
import { type ChildEnd, StageError, type Supervisor } from '../launch/supervisor.ts'
import type { Observation } from '../observe/observation.ts'
import type { Wanted } from '../observe/observer.ts'
import type { Activity } from '../report/activity.ts'
import { encodeCallShapes, encodeSupervisedRules } from '../rules/encode.ts'
import { syscallNumber } from '../rules/names/syscalls.ts'
import type { Rule } from '../rules/rule.ts'
import { RuleTable } from '../rules/rule-table.ts'
import type { TargetSet } from '../targets/target-set.ts'
import { UndoStack } from '../undo.ts'
import { applyChange } from './apply-change.ts'
import { type AttachedEngines, attachEngines } from './attach-engines.ts'
import { callersOf } from './callers.ts'
import type { CommandChange } from './change.ts'
import { closeCgroup, openCgroup } from './child-cgroup.ts'
import { OneAtATime } from './one-at-a-time.ts'
import type { CommandPlan } from './plan.ts'
import type { Changed, Session, SessionSnapshot } from './session.ts'

/** What open() has made. */
interface Parts {
  readonly rules: RuleTable
  /** Which engine does each rule, by slot. */
  readonly names: EngineName[]
  readonly attached: AttachedEngines
  readonly observation: Observation | undefined
  /** Is called when the child has ended; if it was killed, nothing of it may go on. */
  readonly onEnded: (killed: boolean) => void
  /** What a reader of the summary must know beyond what the engines report. Called once, at the end. */
  readonly lastNotes: () => Promise<readonly string[]>
}

export class CommandSession implements Session<CommandChange> {
  readonly #plan: CommandPlan
  readonly #supervisor: Supervisor
  readonly #parts: Parts
  readonly #undo: UndoStack
  /** Changes and looks at what the rules have done. */
  readonly #work = new OneAtATime()
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
   * Everything is ready, and the child exists and waits for start().
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
    return this.#parts.rules.live
  }

  /** What engines can take on while the command runs: rules for the supervisor, within the plan's scope. */
  change(change: CommandChange): Promise<Changed> {
    return this.#work.next(() => this.#change(change))
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
    if (!observation) return Promise.reject(new Error('the session is not watched'))
    return this.#work.next(() => observation.sample())
  }

  snapshot(): Promise<SessionSnapshot> {
    return this.#closed ?? this.#work.next(() => now(this.#parts))
  }

  async lift(): Promise<void> {
    for (const engine of this.#parts.attached.engines) await engine.lift?.()
  }

  close(): Promise<SessionSnapshot> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #change(change: CommandChange): Promise<Changed> {
    if (this.#closed) throw new Error('the session is closed')
    const { rules, names, attached } = this.#parts
    return applyChange(change, { rules, names, attached: attached.attached }, hintFor)
  }

  async #close(): Promise<SessionSnapshot> {
    let last: SessionSnapshot
    try {
      // First: otherwise faults would still hit what the child left behind, after the last count.
      await this.lift()
      const done = await this.#work.next(() => now(this.#parts))
      last = { ...done, notes: [...done.notes, ...(await this.#parts.lastNotes())] }
    } catch (error) {
      await this.#undo.run().catch(() => {})
      throw error
    }
    await this.#undo.run()
    return last
  }
}

function hintFor({ kind }: Rule): string | undefined {
  if (kind === 'syscall') return undefined
  return 'start minderbinder exec --control as root, with -u NAME to run the command as that user'
}

/** What the rules have done so far, removed ones, too. */
async function now({
  rules,
  names,
  attached,
}: Pick<Parts, 'rules' | 'names' | 'attached'>): Promise<SessionSnapshot> {
  const totals = await collectCounts(rules.all.length, attached.engines)
  const notes = [...attached.notes, ...totals.notes]
  return { ...totals, rules: rules.all, lives: rules.lives, engines: [...names], notes }
}

async function open(given: CommandPlan, home: Home, undo: UndoStack): Promise<Parts> {
  const { supervisor } = home
  const observation = given.watched && (await observationOf(given.watched))
  const user = given.user ?? ourselves()
  const plan = {
    ...given,
    onEvent: observation ? observation.listener(given.onEvent) : given.onEvent,
    // Root's programs have all rights already: no fault can pass any on.
    includeSetuid: given.includeSetuid || user.uid === 0,
  }
  // Undone last: the supervisor goes on to serve what the child has left behind, or ends.
  const events = supervisor.readEvents(both(plan.onEvent, plan.onClientEvent))
  undo.push(async () => {
    supervisor.release()
    await events
  })
  const cgroup = plan.joins ? undefined : await openCgroup(plan, home)
  let goesOn = false
  if (cgroup) undo.push(() => closeCgroup(cgroup, goesOn))
  const targets = targetsOf(plan, cgroup, undo)
  const callers = callersOf({ cgroup }, plan.includeSetuid)
  undo.push(() => callers.close())
  const control = plan.control ? await openControl(plan, home, undo) : undefined
  const changes = plan.scope && {
    scope: plan.scope,
    callers: callers.open,
    controlSocket: control,
  }
  const own = { ...changes, cgroup, supervisor, user, targets: targets.open }
  const attached = await attachEngines(plan, own, undo)
  const { engines } = attached
  const [rules, names] = [new RuleTable(plan.rules), [...attached.names]]
  const child = await stage(plan, supervisor, engines, cgroup, control)
  const outOfReach = await reachNotes(plan, attached.attached, cgroup, child)
  if (observation) {
    undo.push(() => observation.close())
    const { targetsOfCommand } = await import('../observe/targets-now.ts')
    await observation.open({
      seed: plan.seed,
      now: () => now({ rules, names, attached }),
      // The supervisor does what is added later, and it sees no packets.
      namesInterfaces: plan.rules.some(({ kind }) => kind !== 'syscall'),
      targets: targetsOfCommand(cgroup, child, () => rules.live),
      counted: cgroup ? { cgroup } : { missing: 'no cgroup tells the targets from others' },
    })
  }
  for (const engine of engines) await engine.ready?.()
  return {
    rules,
    names,
    attached,
    observation,
    onEnded(killed) {
      goesOn = !killed
    },
    async lastNotes() {
      const spared = !engines.some((each) => each.tellsOfSpared)
      return [...(await targets.notes({ spared })), ...callers.notes(), ...outOfReach()]
    },
  }
}

/** Imported here: a start that is not watched does not wait for it. */
async function observationOf(wanted: Wanted): Promise<Observation> {
  const { Observation } = await import('../observe/observation.ts')
  return new Observation(wanted)
}

/** Where the socket of --control is to be. @throws {MinderbinderError} MB_CONTROL */
async function openControl(
  { user }: CommandPlan,
  { owner }: Home,
  undo: UndoStack,
): Promise<string> {
  // Imported here: a start without --control does not wait for it.
  const { makeSocketFolder, removeSocketFolder } = await import('./socket-folder.ts')
  const folder = makeSocketFolder(owner, user !== undefined)
  undo.push(() => removeSocketFolder(folder.path))
  return folder.socket
}

type OnEvent = NonNullable<CommandPlan['onEvent']>

function both(one: OnEvent | undefined, other: OnEvent | undefined): OnEvent | undefined {
  if (!one || !other) return one ?? other
  return (event) => {
    one(event)
    other(event)
  }
}

/** The child's pid: it waits to exec. @throws {MinderbinderError} */
async function stage(
  plan: CommandPlan,
  supervisor: Supervisor,
  engines: readonly AttachedEngine[],
  cgroup: ChildCgroup | undefined,
  control: string | undefined,
): Promise<number> {
  const children = engines.flatMap(({ child }) => child ?? [])
  const slots = children.flatMap(({ supervised }) => supervised)
  const own = new Map(slots.map((slot) => [slot, plan.rules[slot]!]))
  const supervised = await supervisedTargets([...own.values()])
  const scope = children.find(({ scope }) => scope)?.scope
  const outer = children.find(({ outer }) => outer)?.outer
  try {
    return await supervisor.stage({
      argvIndex: plan.argvIndex,
      user: plan.user,
      cgroup: cgroup?.path,
      events: plan.onEvent !== undefined,
      includeLoader: plan.includeLoader,
      includeSetuid: plan.includeSetuid,
      traces: children.some(({ traces }) => traces),
      joins: plan.joins === true,
      seed: plan.seed,
      rules: encodeSupervisedRules(own, architecture),
      ruleCount: own.size,
      changes: scope && {
        capacity: scope.capacity,
        reach: [...scope.reach].flatMap((name) => syscallNumber(name, architecture) ?? []),
      },
      ...supervised,
      control,
      outer,
      callShapes: () => encodeCallShapes(architecture),
    })
  } catch (error) {
    throw error instanceof StageError ? stageFailure(error, plan.command) : error
  }
}

function ourselves(): CommandUser {
  return { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
}

/** What faults do not reach in the command, as far as we can see: sockets that it inherits, and processes that leave. */
async function reachNotes(
  { rules }: CommandPlan,
  attached: ReadonlyMap<Engine, AttachedEngine>,
  cgroup: ChildCgroup | undefined,
  child: number,
): Promise<() => string[]> {
  const network = rules.some(({ kind }) => kind !== 'syscall')
  const byCgroup = [...attached.keys()].find(({ name }) => kernelEngines.includes(name))?.name
  const kinds = [
    ...(network ? ['network faults'] : []),
    ...(byCgroup ? [`faults by ${byCgroup}`] : []),
  ]
  if (!cgroup || kinds.length === 0) return () => []
  // Imported here: a start without such rules does not wait for them.
  const { CgroupLeavers } = await import('./cgroup-leavers.ts')
  const leavers = new CgroupLeavers(cgroup.path, child, kinds.join(' and '))
  if (!network) return () => leavers.notes()
  const { inheritedSocketNotes } = await import('../engines/network/inherited-sockets.ts')
  const inherited = await inheritedSocketNotes(child)
  return () => [...inherited, ...leavers.notes()]
}

/** Which processes are targets. Followed only if an engine asks: the supervisor finds targets by itself. */
function targetsOf(
  { rules, includeSetuid }: CommandPlan,
  cgroup: ChildCgroup | undefined,
  undo: UndoStack,
) {
  let set: TargetSet | undefined
  return {
    async open(): Promise<TargetSet> {
      if (set) return set
      // Imported here: a start without targets does not wait for it.
      const { TargetTable } = await import('../targets/target-table.ts')
      const table = await TargetTable.open(rules, { cgroup, own: 0, includeSetuid })
      undo.push(() => table.close())
      set = table.begin(rules)
      set.follow()
      return set
    },
    notes: async (wanted: { readonly spared: boolean }): Promise<readonly string[]> =>
      (await set?.notes(wanted)) ?? [],
  }
}
