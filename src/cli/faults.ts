/** The fault options of a command line, in the order they were given. */
import { type Command, Option } from 'commander'
import { MinderbinderError } from '../errors.ts'
import { architecture } from '../kernel/architecture.ts'
import { RULES_MAX } from '../rules/encode.ts'
import { parseNetworkFault, parseSyscallFault } from '../rules/grammar.ts'
import type { Rule } from '../rules/rule.ts'
import { parseStraceInject } from '../rules/strace.ts'
import type { ReadOptions } from './config-files.ts'
import { faultOptions } from './options.ts'

const context = { arch: architecture }

type OwnFault = Exclude<keyof typeof faultOptions, 'config'>

const parsers: { [key in OwnFault]: (text: string) => readonly Rule[] } = {
  syscall: (text) => [parseSyscallFault(text, context)],
  dropNet: (text) => [parseNetworkFault('drop-net', text)],
  refuseNet: (text) => [parseNetworkFault('refuse-net', text)],
  inject: (text) => parseStraceInject(text, context),
}

/** The faults of a command line. */
export interface Faults {
  readonly rules: readonly Rule[]
  /** Files of --config, not yet read. */
  readonly configs: readonly string[]
}

/** Adds the fault options to `command`: the returned lists fill as its arguments are parsed. */
export function addFaultOptions(command: Command): Faults {
  const rules: Rule[] = []
  const configs: string[] = []
  for (const [key, { flags, description, group }] of Object.entries(faultOptions)) {
    const name = flags.split(' ', 1)[0]
    const take = (text: string) => {
      if (key === 'config') configs.push(text)
      else rules.push(...inOption(`${name}`, () => parsers[key as OwnFault](text)))
    }
    command.addOption(new Option(flags, description).helpGroup(`${group}:`).argParser(take))
  }
  return { rules, configs }
}

/**
 * The faults of the command line, which are tried first, and then those of its files.
 *
 * @throws {MinderbinderError}
 */
export async function allRules(
  { rules, configs }: Faults,
  options: ReadOptions,
): Promise<readonly Rule[]> {
  // Imported here: a start without files does not wait for it.
  const fromFiles =
    configs.length === 0
      ? []
      : await (await import('./config-files.ts')).readConfig(configs, options)
  const all = [...rules, ...fromFiles]
  if (all.length > RULES_MAX)
    throw new MinderbinderError(
      'MB_USAGE',
      `too many faults: ${all.length} (the limit is ${RULES_MAX})`,
    )
  return all
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
