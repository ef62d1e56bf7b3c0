/** What a running session is doing, taken from its engines, its processes and its events when somebody asks. */
import type { AttachedEngine, TargetCgroup } from '../engines/engine.ts'
import { MinderbinderError } from '../errors.ts'
import { architecture } from '../kernel/architecture.ts'
import { members } from '../kernel/cgroup-members.ts'
import type { Interface } from '../kernel/interfaces.ts'
import { descendants, nameOf, parentOf } from '../kernel/process-tree.ts'
import type { Activity, TargetActivity } from '../report/activity.ts'
import { decodeEvent } from '../report/event.ts'
import { injectionLine } from '../report/injection-line.ts'
import type { LogContext } from '../report/log.ts'
import { oneLine, printable } from '../report/printable.ts'
import type { Rule, RuleCounts } from '../rules/rule.ts'
import { syscallName } from '../rules/syscalls.ts'
import type { Observer, Plan } from './plan.ts'
import { RecentEvents } from './recent-events.ts'
import { TargetStatistics } from './target-statistics.ts'
import type { UndoStack } from './undo.ts'

/** As many as a tall terminal shows. */
const INJECTIONS = 40
const TARGETS = 60

const nothing: RuleCounts = { seen: 0n, matched: 0n, fired: 0n }

export interface Running {
  readonly engines: readonly AttachedEngine[]
  readonly cgroup: TargetCgroup | undefined
  /** Pid of the child, as we see it. */
  readonly child: number
}

export interface Observation {
  /** Takes the plan's place: undefined where nobody wants events. */
  readonly onEvent: ((event: Buffer) => void) | undefined
  /** From here on the observer samples; the returned function ends that. */
  start(running: Running, undo: UndoStack): Promise<() => Promise<void>>
}

export function observe(plan: Plan, observer: Observer): Observation {
  const recent = observer.wantsInjections ? new RecentEvents(INJECTIONS) : undefined
  return {
    onEvent: recent
      ? (event) => {
          recent.add(event)
          plan.onEvent?.(event)
        }
      : plan.onEvent,
    async start(running, undo) {
      const statistics = await openStatistics(running.cgroup)
      const interfaces = await interfacesFor(plan.rules)
      if (statistics instanceof TargetStatistics) undo.push(() => statistics.close())
      const sampler = new Sampler(plan, running, recent, statistics, interfaces)
      const end = await observer.start(() => sampler.sample())
      const stop = once(async () => {
        await end()
        await sampler.idle()
      })
      undo.push(stop)
      return stop
    },
  }
}

/** Imported here: a start without network rules does not wait for it. */
async function interfacesFor(rules: readonly Rule[]): Promise<readonly Interface[]> {
  if (rules.every(({ kind }) => kind === 'syscall')) return []
  const { listInterfaces } = await import('../kernel/interfaces.ts')
  return listInterfaces()
}

/** Without them there is less to see, and the reason is shown in their place. */
async function openStatistics(
  cgroup: TargetCgroup | undefined,
): Promise<TargetStatistics | { readonly missing: string }> {
  if (!cgroup) return { missing: 'no cgroup tells the targets from others' }
  try {
    return await TargetStatistics.open({ cgroup })
  } catch (error) {
    if (!(error instanceof MinderbinderError)) throw error
    return { missing: error.code === 'MB_NO_PERMISSION' ? 'this needs root' : error.message }
  }
}

class Sampler {
  readonly #plan: Plan
  readonly #running: Running
  readonly #recent: RecentEvents | undefined
  readonly #statistics: TargetStatistics | { readonly missing: string }
  readonly #engines: readonly string[]
  readonly #names: LogContext
  readonly #root: number
  #last: Promise<unknown> = Promise.resolve()

  constructor(
    plan: Plan,
    running: Running,
    recent: RecentEvents | undefined,
    statistics: TargetStatistics | { readonly missing: string },
    interfaces: readonly Interface[],
  ) {
    this.#plan = plan
    this.#running = running
    this.#recent = recent
    this.#statistics = statistics
    this.#engines = engineOfEach(plan)
    this.#root = running.cgroup ? 0 : parentOf(running.child)
    this.#names = {
      seed: plan.seed,
      syscall: (number) => syscallName(number, architecture),
      interface: (index) => interfaces.find((one) => one.index === index)?.name,
    }
  }

  /** One after the other, whoever asks. */
  sample(): Promise<Activity> {
    const sampled = this.#last.then(() => this.#take())
    this.#last = sampled.catch(() => {})
    return sampled
  }

  /** When no sample is being taken. */
  async idle(): Promise<void> {
    await this.#last
  }

  async #take(): Promise<Activity> {
    const { rules } = this.#plan
    const counts = rules.map(() => nothing)
    let lostEvents = 0n
    for (const engine of this.#running.engines) {
      for (const [index, count] of await engine.counts()) counts[index] = count
      lostEvents += engine.lostEvents()
    }
    const pids = this.#targets()
    const statistics = this.#statistics
    return {
      atMs: performance.now(),
      rules: rules.map(({ label }, index) => ({
        label,
        engine: this.#engines[index] ?? '',
        counts: counts[index] ?? nothing,
      })),
      targets: describe(pids, rules),
      targetCount: pids.length,
      ...(statistics instanceof TargetStatistics
        ? { calls: statistics.read() }
        : { calls: undefined, callsMissing: statistics.missing }),
      injections: this.#injections(),
      lostEvents,
    }
  }

  /** By time: those of BPF programs are read a moment later than the supervisor's. */
  #injections(): string[] {
    const events = (this.#recent?.list() ?? []).map((event) => decodeEvent(event))
    events.sort((a, b) => Number(a.timeNs - b.timeNs))
    return events.map((event) => injectionLine(event, this.#plan.rules, this.#names))
  }

  /** The supervisor is the subreaper of the whole tree, where no cgroup holds it. */
  #targets(): number[] {
    const { cgroup } = this.#running
    if (cgroup) return members(cgroup.path)
    return this.#root > 1 ? descendants(this.#root) : []
  }
}

/** The highest numbers are the youngest, but for the moment when the kernel begins again at the lowest. */
function describe(pids: readonly number[], rules: readonly Rule[]): TargetActivity[] {
  // Whom a rule with targets is for, its engine knows.
  const labels = rules.flatMap(({ targets, label }) => (targets === undefined ? [label] : []))
  const youngest = [...pids].sort((a, b) => b - a).slice(0, TARGETS)
  return youngest.flatMap((pid) => {
    const name = nameOf(pid)
    return name === undefined ? [] : [{ pid, name: oneLine(printable(name)), rules: labels }]
  })
}

function engineOfEach({ engines }: Plan): string[] {
  const names: string[] = []
  for (const [{ name }, indices] of engines) for (const index of indices) names[index] = name
  return names
}

function once(action: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => {
    done ??= action()
    return done
  }
}
