/** `run --interface IF`: network rules for that interface only. Pure. */
import { MinderbinderError } from '../errors.ts'
import type { Rule } from './rule.ts'

/** @throws {MinderbinderError} MB_FAULT_VALUE: a rule is for another interface */
export function limitToInterface(rules: readonly Rule[], name: string): Rule[] {
  return rules.map((rule) => {
    if (rule.kind === 'syscall') return rule
    if (rule.interface !== undefined && rule.interface !== name)
      throw new MinderbinderError(
        'MB_FAULT_VALUE',
        `${rule.label} is for interface ${rule.interface}, and --interface limits all to ${name}`,
        { hint: 'leave --interface out, or the interface of the rule' },
      )
    return { ...rule, interface: name }
  })
}
