/** From the parts of a fault to its rule: the same for the command line and for a configuration file. */

import type { Architecture } from './architecture.ts'
import type { CallSet } from './grammar-set.ts'
import { keysOf, readKeys } from './keys/index.ts'
import type { CommonParts } from './keys/key.ts'
import { type Outcome, refusesOutcome } from './outcomes/index.ts'
import type { LeftOut, NetworkRule, SyscallRule } from './rule.ts'
import type { Span } from './span.ts'

export interface GrammarContext {
  /** Whose system calls the names are. */
  readonly arch: Architecture
}

export interface SyscallParts extends CommonParts {
  readonly kind: 'syscall'
  /** As written. */
  readonly set: string
  readonly calls: CallSet
  readonly outcome: Outcome
  /** Where it stands. */
  readonly outcomeSpan: Span
}

export interface NetworkParts extends CommonParts {
  readonly kind: NetworkRule['kind']
}

export function syscallRule(parts: SyscallParts): SyscallRule {
  const { kind, source, set, outcome, rate } = parts
  return { kind, source, set, ...members(parts), outcome, rate, ...readKeys(parts) }
}

interface Objection {
  readonly what: 'outcome' | 'key'
  readonly reason: string
  readonly where: Span
  readonly hint?: string
}

/**
 * The system calls that the rule acts on. One that was named must be able to do all that the fault asks;
 * of a family or a glob those that cannot are left out.
 */
function members({ calls, outcome, outcomeSpan, keys }: SyscallParts): {
  syscalls: string[]
  leftOut: LeftOut[]
} {
  const leftOut = [...calls.leftOut]
  const syscalls = new Set<string>()
  const choosy = keysOf('syscall').flatMap((key) => {
    const where = key.refuses && keys.get(key.name)?.[0]
    return where ? [{ key, where }] : []
  })
  const objectionTo = (name: string): Objection | undefined => {
    const reason = refusesOutcome(name, outcome)
    if (reason !== undefined) return { what: 'outcome', reason, where: outcomeSpan }
    for (const { key, where } of choosy) {
      const refusal = key.refuses?.(name)
      if (refusal) return { what: 'key', ...refusal, where }
    }
    return undefined
  }
  for (const name of new Set([...calls.named.keys(), ...calls.fromKinds])) {
    const objection = objectionTo(name)
    if (!objection) syscalls.add(name)
    else if (!calls.named.has(name)) leftOut.push({ name, reason: objection.reason })
    else {
      const { what, reason, where, hint } = objection
      throw where.error('MB_FAULT_VALUE', `${name} cannot have this ${what}: ${reason}`, hint)
    }
  }
  if (syscalls.size === 0)
    throw (choosy[0]?.where ?? outcomeSpan).error(
      'MB_FAULT_VALUE',
      'no system call of the set can do this',
    )
  return { syscalls: [...syscalls].sort(), leftOut }
}

export function networkRule(parts: NetworkParts): NetworkRule {
  const { kind, source, rate } = parts
  return { kind, source, rate, ...readKeys(parts) }
}
