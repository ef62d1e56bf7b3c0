/** System call faults by seccomp user notification: the native supervisor does the work. */
import type { Rule } from '../../rules/rule.ts'
import type { AttachedEngine, Engine, EngineContext } from '../engine.ts'
import { seccompNotes } from './notes.ts'

export const seccomp: Engine = {
  name: 'seccomp',

  refusal(rule: Rule) {
    if (rule.kind !== 'syscall') return 'seccomp sees system calls, not packets'
    return undefined
  },

  async attach({ supervisor }: EngineContext, indices): Promise<AttachedEngine> {
    if (!supervisor) throw new Error('seccomp was chosen for a session without a command')
    let lifted = false
    const lift = async () => {
      if (lifted) return
      lifted = true
      await supervisor.lift()
    }
    return {
      child: { notified: indices },
      async snapshot() {
        const { rules, lostEvents, foreignCalls, nearPaths, ...more } = await supervisor.counts()
        const counts = new Map(indices.map((index) => [index, rules[index]!]))
        return { counts, lostEvents, foreignCalls, nearPaths, notes: seccompNotes(more) }
      },
      lift,
      close: lift,
    }
  },
}
