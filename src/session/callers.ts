/** The processes that ask for rules while a session lasts, followed for the engines that do those in the kernel. */
import type { ChildCgroup } from '../kernel/cgroup/cgroup.ts'
import { Shared } from '../shared.ts'
import type { CallerTargets } from '../targets/caller-targets.ts'

export interface Callers {
  /** EngineContext.callers */
  readonly open: (rules: number) => Promise<Shared<CallerTargets>>
  /** What a reader of the summary must know. */
  notes(): readonly string[]
  /** Call it when no engine asks any more. What engines have open stays until they leave. */
  close(): Promise<void>
}

/** @param where the command's cgroup, or on the machine, the process id that is never a target */
export function callersOf(
  where: { readonly cgroup: ChildCgroup | undefined } | { readonly own: number },
  includeSetuid: boolean,
): Callers {
  const [cgroup, own] = 'own' in where ? [undefined, where.own] : [where.cgroup, undefined]
  let current: Shared<CallerTargets> | undefined
  return {
    async open(rules) {
      if (current?.value.hasRoom(rules)) return current.join()
      // Imported here: most commands ask for no such rule.
      const { TargetTable } = await import('../targets/target-table.ts')
      const table = await TargetTable.open([], { cgroup, own: own ?? 0, includeSetuid })
      await current?.leave()
      current = new Shared(table.beginForCallers(includeSetuid, own), () => table.close())
      return current.join()
    },
    notes: () => current?.value.notes() ?? [],
    async close() {
      await current?.leave()
      current = undefined
    },
  }
}
