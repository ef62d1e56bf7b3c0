/** `minderbinder explain [FAULT]... | CONFIG.yaml`: argv in, text out; changes nothing. */
import { chooseEngines } from '../engines/choose.ts'
import { controlledEngine } from '../engines/controlled.ts'
import { engines } from '../engines/engines.ts'
import { MinderbinderError } from '../errors.ts'
import { architecture } from '../kernel/architecture.ts'
import { addExecOptions } from './exec/options.ts'
import { explain } from './explain.ts'
import { allRules } from './faults.ts'
import { newCommand, parseArguments } from './parse.ts'

/** The text for stdout; status 1 where something cannot be done here. @throws {MinderbinderError} @throws {HelpRequest} */
export async function explainCommand(
  args: readonly string[],
): Promise<{ text: string; status: number }> {
  const parser = newCommand('explain')
    .usage(
      '[FAULT]... [OPTION]... [--] [COMMAND [ARG]...]\n       minderbinder explain CONFIG.yaml',
    )
    .description(
      'Describe what exec with these arguments, or a configuration file, would do; change nothing.',
    )
    .argument('[operand...]')
  const read = addExecOptions(parser)
  parseArguments(parser, args)
  const { faults, options } = read()
  const none = faults.rules.length + faults.configs.length + faults.notes.length === 0
  const rules = await allRules(none ? { rules: [], configs: parser.args.slice(0, 1) } : faults, {})
  const notes = faults.notes.map((note) => `${note}\n`).join('')
  if (rules.length === 0 && notes !== '') return { text: notes, status: 0 }
  if (rules.length === 0)
    throw new MinderbinderError('MB_USAGE', 'explain: no fault was given', {
      hint: 'minderbinder explain --syscall openat=ENOENT@50%, or minderbinder explain CONFIG.yaml',
    })
  const { control, engine } = options
  const command = none ? undefined : parser.args[0]
  const controlled = control === undefined ? undefined : controlledEngine(engine, engines, command)
  const choices = chooseEngines(rules, engines, { option: controlled?.name ?? engine, command })
  const added = controlled && { ...controlled, reach: await reachCount(control!) }
  const text = explain(
    rules,
    (_, index) => {
      const choice = choices[index]!
      return 'engine' in choice ? { ...choice, engine: choice.engine.name } : choice
    },
    { ...options, added },
  )
  return { text: text + notes, status: choices.some((choice) => 'refusal' in choice) ? 1 : 0 }
}

/** Imported here: a call without --control does not wait for it. */
async function reachCount(set: string): Promise<number> {
  const { reachOf } = await import('../control/reach.ts')
  return reachOf(set, architecture).size
}
