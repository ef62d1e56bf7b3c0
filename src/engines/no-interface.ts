/** Why connections cannot be refused at one interface only; undefined if the rule does not ask for that. Pure. */
import type { NetworkRule } from '../rules/rule.ts'

export function interfaceRefusal(rule: NetworkRule): string | undefined {
  return rule.interface === undefined
    ? undefined
    : 'when a program calls connect(), no interface has been chosen yet'
}
