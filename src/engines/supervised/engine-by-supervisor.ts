/** An engine whose work the native supervisor does: it decides, however the calls come to it. */
import { architecture } from '../../kernel/architecture.ts'
import { encodeSupervisedRules } from '../../rules/encode.ts'
import { notByNotification } from '../../rules/outcomes/index.ts'
import type { Rule } from '../../rules/rule.ts'
import type {
  AttachedEngine,
  Engine,
  EngineContext,
  PreparedChange,
  RuleChange,
  Scope,
  Supervisor,
} from '../engine.ts'
import { interfaceRefusal } from '../no-interface.ts'
import { checkRoom, refusalNow, refusedChange } from './change.ts'
import { type SupervisedEngine, supervisorNotes } from './notes.ts'
import { RemovedRules } from './removed.ts'

export function engineBySupervisor(name: SupervisedEngine): Pick<Engine, 'refusal' | 'attach'> {
  return {
    refusal(rule: Rule) {
      if (rule.kind !== 'syscall')
        return rule.kind === 'refuse-net'
          ? interfaceRefusal(rule)
          : `${name} sees system calls, not packets`
      const why = name === 'seccomp' ? notByNotification(rule.outcome) : undefined
      return why ? `${why} (--engine ptrace does it)` : undefined
    },

    async attach({ supervisor, scope }: EngineContext, indices): Promise<AttachedEngine> {
      if (!supervisor) throw new Error(`${name} was chosen for a session without a command`)
      return attached(name, supervisor, scope, indices)
    },
  }
}

function attached(
  name: SupervisedEngine,
  supervisor: Supervisor,
  scope: Scope | undefined,
  indices: readonly number[],
): AttachedEngine {
  const removed = new RemovedRules()
  let ruleCount = indices.length
  let lifted = false
  const lift = async () => {
    if (lifted) return
    lifted = true
    await supervisor.lift()
  }
  return {
    child: { supervised: indices, traces: name === 'ptrace', scope },
    refusal: (rule) => refusalNow(name, rule, scope),
    async prepare({ add, caller, remove, seeds }: RuleChange): Promise<PreparedChange> {
      const after = ruleCount + add.size - remove.length
      checkRoom(after, scope)
      const bytes = encodeSupervisedRules(add, architecture)
      const prepared = await supervisor
        .prepare({
          add: bytes,
          caller,
          remove,
          seeds: seeds && [...add.keys()].map((slot) => seeds.get(slot)!),
        })
        .catch((error) => {
          throw refusedChange(error)
        })
      return {
        async commit() {
          try {
            removed.keep(await prepared.commit())
            ruleCount = after
            return {}
          } catch (failure) {
            return { failure }
          }
        },
        abandon: async () => prepared.abandon(),
      }
    },
    async snapshot() {
      const { rules, lostEvents, foreignCalls, nearPaths, ...more } = await supervisor.counts()
      return {
        ...removed.and({ rules, nearPaths }),
        ...{ lostEvents, foreignCalls, notes: supervisorNotes(more) },
      }
    },
    lift,
    close: lift,
  }
}
