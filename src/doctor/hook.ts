/** The engine hook, by a call that fails in a new program. */
import { hook } from '../engines/override/hook.ts'
import { architecture } from '../kernel/architecture.ts'
import { parseSyscallFault } from '../rules/grammar.ts'
import type { Check, Question } from './check.ts'
import type { Facts } from './facts.ts'
import { type TrialOrNot, tryFault } from './fault-trial.ts'

const question: Question = {
  id: 'hook',
  group: 'syscalls',
  title: 'engine hook',
  cost: 'run cannot fault system calls on a kernel without override',
  remedy: 'root, and a kernel with CONFIG_SECURITY and BTF that lets root attach fmod_ret programs',
}

const ENOTUNIQ = 76 // no kernel's own answer to faccessat(2)

export function tryHook(trial: TrialOrNot, facts: Facts): Promise<Check> {
  const fault = {
    ...({ question, engine: hook, order: 'call', expected: ENOTUNIQ } as const),
    rule: parseSyscallFault('faccessat=ENOTUNIQ', { arch: architecture }),
    seen: 'a call failed in a new program',
  }
  return tryFault(fault, trial, facts, { attached: false, events: 0 })
}
