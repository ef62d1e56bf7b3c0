/** The fault options of a command line, in the order they were given. */
import { type Command, Option } from 'commander'
import { MinderbinderError } from '../errors.ts'
import { architecture } from '../kernel/architecture.ts'
import { RULES_MAX } from '../rules/encode.ts'
import { type FaultOption, parseFaultOption } from '../rules/fault-option.ts'
import type { Rule } from '../rules/rule.ts'
import { printable } from '../rules/span.ts'
import { lastExpressions } from '../rules/strace.ts'
import type { ReadOptions } from './config-files.ts'
import { faultOptions } from './options.ts'

const context = { arch: architecture }

/** The faults of a command line. */
export interface Faults {
  readonly rules: readonly Rule[]
  /** Files of --config, not yet read. */
  readonly configs: readonly string[]
  /** One line for each fault that asks for nothing here: an --inject of none, or of names after a ? only. */
  readonly notes: readonly string[]
}

/** Adds them to `command`; the returned function reads them once its arguments are parsed. */
export function addFaultOptions(command: Command): () => Faults {
  const rules: Rule[] = []
  const configs: string[] = []
  const notes: string[] = []
  const add = (parsed: readonly Rule[], written: string) => {
    rules.push(...parsed)
    if (parsed.length === 0) notes.push(`${printable(written)} names no system call here`)
  }
  for (const [key, { flags, description, group }] of Object.entries(faultOptions)) {
    const name = flags.split(' ', 1)[0] as FaultOption
    const take = (text: string) => {
      if (key === 'config') configs.push(text)
      else add(given(parseFaultOption(name, text, context), name, text), `${name} ${text}`)
    }
    command.addOption(new Option(flags, description).helpGroup(`${group}:`).argParser(take))
  }
  return () => ({ rules, configs, notes })
}

/** With what each of them is by itself: an --inject gives a rule for each of its calls. */
function given(rules: readonly Rule[], option: FaultOption, text: string): readonly Rule[] {
  if (option !== '--inject') return rules.map((rule) => ({ ...rule, given: `${option} ${text}` }))
  const [, prefix = '', actions = ''] = /^((?:inject|fault)=)?[^:]*(.*)$/s.exec(text) ?? []
  return rules.map((rule) =>
    rule.kind === 'syscall' ? { ...rule, given: `${option} ${prefix}${rule.set}${actions}` } : rule,
  )
}

/**
 * The faults of the command line, which are tried first, and then those of its files.
 *
 * @throws {MinderbinderError}
 */
export async function allRules(
  { rules, configs }: Pick<Faults, 'rules' | 'configs'>,
  options: ReadOptions,
): Promise<readonly Rule[]> {
  // Imported here: a start without files does not wait for it.
  const fromFiles =
    configs.length === 0
      ? []
      : await (await import('./config-files.ts')).readConfig(configs, options)
  const all = [...lastExpressions(rules), ...fromFiles]
  if (all.length > RULES_MAX)
    throw new MinderbinderError(
      'MB_USAGE',
      `too many faults: ${all.length} (the limit is ${RULES_MAX})`,
    )
  return all
}
