/** System call faults by seccomp user notification: the native supervisor does the work. */
import type { Rule } from '../rules/rule.ts'
import type { AttachedEngine, Engine, EngineContext } from './engine.ts'

export const seccomp: Engine = {
  name: 'seccomp',

  refusal(rule: Rule) {
    if (rule.kind !== 'syscall') return 'seccomp sees system calls, not packets'
    if (rule.targets?.every(({ kind }) => kind === 'pid'))
      return 'it has what exec starts, and a pid target is a process that runs already'
    return undefined
  },

  async attach({ supervisor }: EngineContext, indices): Promise<AttachedEngine> {
    let lostEvents = 0n
    let foreignCalls = 0n
    let lifted = false
    const lift = async () => {
      if (lifted) return
      lifted = true
      await supervisor.lift()
    }
    supervisor.serve(indices)
    return {
      start() {},
      async counts() {
        const counts = await supervisor.counts()
        lostEvents = counts.lostEvents
        foreignCalls = counts.foreignCalls
        return new Map(indices.map((index) => [index, counts.rules[index]!]))
      },
      lostEvents: () => lostEvents,
      foreignCalls: () => foreignCalls,
      lift,
      close: lift,
    }
  },
}
