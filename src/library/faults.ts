/** The faults of a program that uses the library: as on the command line, or as in the configuration file. */
import { parseConfig } from '../config/config.ts'
import { MinderbinderError } from '../errors.ts'
import { RULES_MAX } from '../rules/encode.ts'
import { faultOptionNames, parseFaultOption, prefixed } from '../rules/fault-option.ts'
import type { GrammarContext } from '../rules/parts.ts'
import type { Rule } from '../rules/rule.ts'
import { quote } from '../rules/span.ts'
import { lastExpressions } from '../rules/strace.ts'
import { asInFile } from './spelling.ts'

/**
 * One fault. Text is what follows `--syscall` (`'openat=ENOSPC@5%,path=*.db'`), or begins with its option if it is of
 * another kind (`'--drop-net 100%,port=443'`). An object is what a configuration file has, with or without
 * `agents_of_chaos` around it: `{ outgoing_network: [{ proto: 'tcp', port: 443, failure_rate: 100 }] }`; or the same in the
 * spelling of programs: `{ outgoingNetwork: [{ protocol: 'TCP', destPort: 443, failureRate: 100 }] }`.
 */
export type Fault = string | object

/**
 * The rules of these faults, in their order.
 *
 * @throws {MinderbinderError} one of the codes of faults; its message begins with `faults[N]: `
 */
export function parseFaults(faults: readonly Fault[], context: GrammarContext): readonly Rule[] {
  const rules = lastExpressions(
    faults.flatMap((fault, index) => {
      const where = `faults[${index}]`
      if (typeof fault === 'string') return fromText(fault, where, context)
      return fromObject(fault, where, context)
    }),
  )
  if (rules.length > RULES_MAX)
    throw new MinderbinderError(
      'MB_USAGE',
      `too many faults: ${rules.length} (the limit is ${RULES_MAX})`,
    )
  return rules
}

function fromText(text: string, where: string, context: GrammarContext): readonly Rule[] {
  try {
    const [, name, value = ''] = /^(--[a-z-]*)(?:[ =](.*))?$/s.exec(text) ?? [
      text,
      '--syscall',
      text,
    ]
    const option = faultOptionNames.find((each) => each === name)
    if (option) return parseFaultOption(option, value, context)
    throw new MinderbinderError('MB_UNKNOWN_NAME', `${quote(`${name}`)} does not give a fault`, {
      hint: `these do: ${faultOptionNames.join(', ')}`,
    })
  } catch (error) {
    throw error instanceof MinderbinderError ? prefixed(where, error) : error
  }
}

function fromObject(fault: unknown, where: string, context: GrammarContext): readonly Rule[] {
  const text = asText(fault, where)
  return parseConfig([{ name: where, text }], context)
}

/** JSON is YAML, so that the one parser of configuration files checks it, and points into it. */
function asText(fault: unknown, where: string): string {
  if (typeof fault !== 'object' || fault === null || Array.isArray(fault))
    throw new MinderbinderError('MB_CONFIG', `${where}: a fault is a text or an object`, {
      hint: "write 'openat=ENOENT', or { syscall: [{ syscall: 'openat', ret_code: 'ENOENT' }] }",
    })
  const data = asData(fault, where)
  try {
    return JSON.stringify(whole(asInFile(data)), undefined, 2)
  } catch (error) {
    throw error instanceof MinderbinderError ? prefixed(where, error) : error
  }
}

function whole(fault: unknown): unknown {
  return Object.hasOwn(fault as object, 'agents_of_chaos') ? fault : { agents_of_chaos: fault }
}

function asData(fault: object, where: string): unknown {
  try {
    return JSON.parse(
      JSON.stringify(fault, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
    )
  } catch (error) {
    throw new MinderbinderError('MB_CONFIG', `${where}: ${(error as Error).message}`, {
      hint: 'a fault is data: texts, numbers, lists and objects',
      cause: error,
    })
  }
}
