/** The fault options of a command line, in the order they were given. */
import { type Command, Option } from 'commander'
import { MinderbinderError } from '../errors.ts'
import { architecture } from '../kernel/architecture.ts'
import { RULES_MAX } from '../rules/encode.ts'
import { type FaultOption, parseFaultOption } from '../rules/fault-option.ts'
import type { Rule } from '../rules/rule.ts'
import type { ReadOptions } from './config-files.ts'
import { faultOptions } from './options.ts'

const context = { arch: architecture }

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
    const name = flags.split(' ', 1)[0] as FaultOption
    const take = (text: string) => {
      if (key === 'config') configs.push(text)
      else rules.push(...parseFaultOption(name, text, context))
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
