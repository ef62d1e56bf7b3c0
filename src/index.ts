/**
 * The library's public surface: faults become checked rules, commands run under them, and what is wrong is an error with
 * a stable code.
 */
// biome-ignore-all lint/performance/noBarrelFile: a package has one entry, and this is it

export { type ErrorCode, type ErrorDetails, errorCodes, MinderbinderError } from './errors.ts'
export type { Stdio } from './launch/stdio.ts'
export type { Fault } from './library/faults.ts'
export type { RunRequest } from './library/request.ts'
export { run } from './library/run.ts'
export type {
  CommandEnd,
  ReportedCounts,
  RuleReport,
  RunReport,
} from './report/run-report.ts'
export type { Architecture } from './rules/architecture.ts'
export { parseNetworkFault, parseSyscallFault } from './rules/grammar.ts'
export type { Cidr } from './rules/network-values.ts'
export type { Outcome } from './rules/outcomes/index.ts'
export type { GrammarContext } from './rules/parts.ts'
export type { LeftOut, NetworkRule, Rule, SyscallRule } from './rules/rule.ts'
export { parseStraceInject } from './rules/strace.ts'
export type { When } from './rules/values.ts'
