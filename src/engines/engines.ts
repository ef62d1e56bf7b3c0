/** Every engine, the preferred first. */

import type { Rule } from '../rules/rule.ts'
import { type Engine, kernelEngines } from './engine.ts'
import { cgroup } from './network/cgroup.ts'
import { tc } from './network/tc.ts'
import { override } from './override/engine.ts'
import { hook } from './override/hook.ts'
import { ptrace } from './supervised/ptrace.ts'
import { seccomp } from './supervised/seccomp.ts'

export const engines: readonly Engine[] = [override, hook, tc, cgroup, ptrace, seccomp].map(
  forCommand,
)

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
  // These tell the command's processes by the cgroup that exec made for them, which such a target has left.
  if (kernelEngines.includes(name) && targets.some(({ kind }) => kind === 'cgroup'))
    return 'it loses sight of processes that move to the cgroup of a target'
  return undefined
}

/** Those that reach processes not started here: seccomp and ptrace have their own command only, so hook is chosen. */
export const machineEngines: readonly Engine[] = [override, byChoice(hook), tc, cgroup]

function byChoice({ onlyByName: _, ...engine }: Engine): Engine {
  return engine
}
