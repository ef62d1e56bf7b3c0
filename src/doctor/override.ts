/** The override engine, by a call that fails in a new program. */
import { engines } from '../engines/engines.ts'
import { architecture } from '../kernel/architecture.ts'
import { parseSyscallFault } from '../rules/grammar.ts'
import { type Check, no, type Question, unknown } from './check.ts'
import type { Facts } from './facts.ts'
import { type TrialOrNot, tryFault } from './fault-trial.ts'

const question: Question = {
  id: 'override',
  group: 'syscalls',
  title: 'engine override',
  cost: 'each named call takes a round trip to the supervisor (some 10 to 20 us)',
  remedy: 'root, and a kernel with CONFIG_FUNCTION_ERROR_INJECTION and CONFIG_BPF_KPROBE_OVERRIDE',
}

const ENOTUNIQ = 76 // no kernel's own answer to getpgid(2)

export async function tryOverride(trial: TrialOrNot, facts: Facts): Promise<Check> {
  const engine = engines.find(({ name }) => name === 'override')
  if (!engine) return explained(unknown(question, 'this version has no override engine'), facts)
  const fault = {
    ...({ question, engine, order: 'call', expected: ENOTUNIQ } as const),
    rule: parseSyscallFault('getpgid=ENOTUNIQ', { arch: architecture }),
    seen: 'a call failed in a new program',
  }
  return explained(await tryFault(fault, trial, facts, { attached: false, events: 0 }), facts)
}

/** Pure. Without error injection in the kernel it cannot work, whatever the attempt ended with. */
export function explained(check: Check, { kernelConfig }: Pick<Facts, 'kernelConfig'>): Check {
  const option = 'CONFIG_FUNCTION_ERROR_INJECTION'
  if (check.result === 'yes' || kernelConfig?.options[option] !== 'n') return check
  const reason = `this kernel was built without ${option}`
  return no(check.question, reason, { reason })
}
