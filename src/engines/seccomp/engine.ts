/** System call faults by seccomp user notification: the native supervisor does the work. */
import type { Rule } from '../../rules/rule.ts'
import type { AttachedEngine, Engine, EngineContext, SupervisorCounts } from '../engine.ts'
import { seccompNotes } from './notes.ts'

export const seccomp: Engine = {
  name: 'seccomp',

  refusal(rule: Rule) {
    if (rule.kind !== 'syscall') return 'seccomp sees system calls, not packets'
    return undefined
  },

  async attach({ supervisor }: EngineContext, indices): Promise<AttachedEngine> {
    let last: SupervisorCounts | undefined
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
        last = counts
        return new Map(indices.map((index) => [index, counts.rules[index]!]))
      },
      lostEvents: () => last?.lostEvents ?? 0n,
      foreignCalls: () => last?.foreignCalls ?? 0n,
      nearPaths: () => last?.nearPaths ?? new Map(),
      notes: () => (last ? seccompNotes(last) : []),
      lift,
      close: lift,
    }
  },
}
