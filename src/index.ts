/**
 * The library's public surface: faults as text become checked rules, and what is wrong with them is an error
 * with a stable code. Running a command under them is the command line's so far.
 */
// biome-ignore-all lint/performance/noBarrelFile: a package has one entry, and this is it

export { type ErrorCode, type ErrorDetails, errorCodes, MinderbinderError } from './errors.ts'
export { parseNetworkFault, parseSyscallFault } from './rules/grammar.ts'
export type { Cidr } from './rules/network-values.ts'
export type { Outcome } from './rules/outcomes/index.ts'
export type { GrammarContext } from './rules/parts.ts'
export type {
  Architecture,
  LeftOut,
  NetworkRule,
  Rule,
  SyscallRule,
} from './rules/rule.ts'
export { parseStraceInject } from './rules/strace.ts'
export type { When } from './rules/values.ts'
