/** What a running session is doing, taken from its engines, its processes and its events when somebody asks. */
import type { AttachedEngine, EngineName } from '../engines/engine.ts'
import { collectCounts } from '../engines/totals.ts'
import type { ChildCgroup } from '../kernel/cgroup/cgroup.ts'
import { members } from '../kernel/cgroup/members.ts'
import { listInterfaces } from '../kernel/network/interfaces.ts'
import { descendants, nameOf, parentOf } from '../kernel/process/tree.ts'
import type { TargetActivity } from '../report/activity.ts'
import { oneLine, printable } from '../report/printable.ts'
import type { Rule } from '../rules/rule.ts'
import type { Observer, Plan } from '../session/plan.ts'
import type { UndoStack } from '../undo.ts'
import { RecentEvents } from './recent-events.ts'
import { Sampler, type SampleSource } from './sampler.ts'
import { openStatistics, TargetStatistics } from './target-statistics.ts'

/** As many as a tall terminal shows. */
export const INJECTIONS_SHOWN = 40
export const TARGETS_SHOWN = 60

export interface Running {
  readonly engines: readonly AttachedEngine[]
  /** Which of them does each rule. */
  readonly names: readonly EngineName[]
  readonly cgroup: ChildCgroup | undefined
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
  const recent = observer.wantsInjections ? new RecentEvents(INJECTIONS_SHOWN) : undefined
  return {
    onEvent: recent
      ? (event) => {
          recent.add(event)
          plan.onEvent?.(event)
        }
      : plan.onEvent,
    async start(running, undo) {
      const { cgroup } = running
      const statistics = cgroup
        ? await openStatistics({ cgroup })
        : { missing: 'no cgroup tells the targets from others' }
      if (statistics instanceof TargetStatistics) undo.push(() => statistics.close())
      await learnInterfaces(plan.rules)
      const sampler = new Sampler({
        ...{ rules: plan.rules, seed: plan.seed, engines: running.names },
        totals: () => collectCounts(plan.rules.length, running.engines),
        targets: targetsOf(running, plan.rules),
        ...{ recent, statistics },
      })
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

/** So that an injection can be told with its interface's name. */
async function learnInterfaces(rules: readonly Rule[]): Promise<void> {
  if (rules.every(({ kind }) => kind === 'syscall')) return
  await listInterfaces()
}

/** The supervisor is the subreaper of the whole tree, where no cgroup holds it. */
function targetsOf({ cgroup, child }: Running, rules: readonly Rule[]): SampleSource['targets'] {
  const root = cgroup ? 0 : parentOf(child)
  return () => {
    const pids = cgroup ? members(cgroup.path) : root > 1 ? descendants(root) : []
    return { count: pids.length, youngest: describe(pids, rules) }
  }
}

/** The highest numbers are the youngest, but for the moment when the kernel begins again at the lowest. */
function describe(pids: readonly number[], rules: readonly Rule[]): TargetActivity[] {
  // Whom a rule with targets is for, its engine knows.
  const labels = rules.flatMap(({ targets, label }) => (targets === undefined ? [label] : []))
  const youngest = [...pids].sort((a, b) => b - a).slice(0, TARGETS_SHOWN)
  return youngest.flatMap((pid) => {
    const name = nameOf(pid)
    return name === undefined ? [] : [{ pid, name: oneLine(printable(name)), rules: labels }]
  })
}

function once(action: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => {
    done ??= action()
    return done
  }
}
