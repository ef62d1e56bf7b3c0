/** The options that give a fault, by name: what follows each of them, to rules. */
import { MinderbinderError } from '../errors.ts'
import { parseNetworkFault, parseSyscallFault } from './grammar.ts'
import type { GrammarContext } from './parts.ts'
import type { Rule } from './rule.ts'
import { parseStraceInject } from './strace.ts'

type Parse = (text: string, context: GrammarContext) => readonly Rule[]

const parsers = {
  '--syscall': (text, context) => [parseSyscallFault(text, context)],
  '--drop-net': (text) => [parseNetworkFault('drop-net', text)],
  '--refuse-net': (text) => [parseNetworkFault('refuse-net', text)],
  '--inject': parseStraceInject,
} as const satisfies Record<string, Parse>

export type FaultOption = keyof typeof parsers

export const faultOptionNames = Object.keys(parsers) as readonly FaultOption[]

/**
 * @param option its errors begin with it, so that the user knows which value is wrong
 * @throws {MinderbinderError}
 */
export function parseFaultOption(
  option: FaultOption,
  text: string,
  context: GrammarContext,
): readonly Rule[] {
  try {
    return parsers[option](text, context)
  } catch (error) {
    if (!(error instanceof MinderbinderError)) throw error
    throw prefixed(option, error)
  }
}

/** The same error, which says first where it is. */
export function prefixed(where: string, error: MinderbinderError): MinderbinderError {
  const { code, message, hint, excerpt, detail, more } = error
  return new MinderbinderError(code, `${where}: ${message}`, {
    ...(hint !== undefined && { hint }),
    ...(excerpt && { excerpt }),
    ...(detail !== undefined && { detail }),
    more,
    cause: error.cause,
  })
}
