/** Every engine, the preferred first. */

import type { Rule } from '../rules/rule.ts'
import type { Engine } from './engine.ts'
import { cgroup } from './network/cgroup.ts'
import { tc } from './network/tc.ts'
import { override } from './override/engine.ts'
import { seccomp } from './seccomp/engine.ts'

export const engines: readonly Engine[] = [override, seccomp, tc, cgroup].map(forCommand)

/** As it is for the processes of a command: `exec` starts them, so none of them runs already. */
function forCommand(engine: Engine): Engine {
  return {
    ...engine,
    refusal(rule: Rule) {
      return engine.refusal(rule) ?? ofTargets(engine, rule)
    },
  }
}

function ofTargets({ name }: Engine, { targets = [] }: Rule): string | undefined {
  if (targets.length === 0) return undefined
  if (targets.every(({ kind }) => kind === 'pid'))
    return 'a pid target is a process that runs already, and exec starts its own'
  // It tells the command's processes by the cgroup that exec made for them, which such a target has left.
  if (name === 'override' && targets.some(({ kind }) => kind === 'cgroup'))
    return 'it loses sight of processes that move to the cgroup of a target'
  return undefined
}

/** Those that reach processes which nobody launched: seccomp has its own command only. */
export const machineEngines: readonly Engine[] = [override, tc, cgroup]
