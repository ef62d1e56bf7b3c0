/** The fault options of a command line, in the order they were given. */
import { type Command, Option } from 'commander'
import { MinderbinderError } from '../errors.ts'
import { architecture } from '../kernel/architecture.ts'
import { parseNetworkFault, parseSyscallFault } from '../rules/grammar.ts'
import type { Rule } from '../rules/rule.ts'
import { parseStraceInject } from '../rules/strace.ts'
import { faultOptions } from './options.ts'

const context = { arch: architecture }

const parsers: { [key in keyof typeof faultOptions]: (text: string) => readonly Rule[] } = {
  syscall: (text) => [parseSyscallFault(text, context)],
  dropNet: (text) => [parseNetworkFault('drop-net', text, context)],
  refuseNet: (text) => [parseNetworkFault('refuse-net', text, context)],
  inject: (text) => parseStraceInject(text, context),
}

/** Adds the fault options to `command`: the returned list fills as its arguments are parsed. */
export function addFaultOptions(command: Command): Rule[] {
  const rules: Rule[] = []
  for (const [key, { flags, description, group }] of Object.entries(faultOptions)) {
    const parse = parsers[key as keyof typeof faultOptions]
    const name = flags.split(' ', 1)[0]
    command.addOption(
      new Option(flags, description).helpGroup(`${group}:`).argParser((text: string) => {
        rules.push(...inOption(`${name}`, () => parse(text)))
      }),
    )
  }
  return rules
}

/** An error of a value says which option the value was given to. */
function inOption<T>(option: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof MinderbinderError)) throw error
    const { code, message, hint, excerpt, detail } = error
    throw new MinderbinderError(code, `${option}: ${message}`, {
      ...(hint !== undefined && { hint }),
      ...(excerpt && { excerpt }),
      ...(detail !== undefined && { detail }),
    })
  }
}
