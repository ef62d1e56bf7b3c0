/** `minderbinder explain [FAULT]...`: argv in, text out; changes nothing. */
import { chooseEngines } from '../engines/choose.ts'
import { engines } from '../engines/engines.ts'
import { MinderbinderError } from '../errors.ts'
import { addExecOptions } from './exec-options.ts'
import { explain } from './explain.ts'
import { newCommand, parseArguments } from './parse.ts'

/** The text for stdout; status 1 where something cannot be done here. @throws {MinderbinderError} @throws {HelpRequest} */
export function explainCommand(args: readonly string[]): { text: string; status: number } {
  const parser = newCommand('explain').usage('[FAULT]... [OPTION]...')
  const read = addExecOptions(parser)
  parseArguments(parser.argument('[command...]', 'ignored: takes a whole exec line'), args)
  const { rules, options } = read()
  if (rules.length === 0)
    throw new MinderbinderError('MB_USAGE', 'explain: no fault was given', {
      hint: 'minderbinder explain --syscall openat=ENOENT@50%',
    })
  const choices = chooseEngines(rules, engines, options.engine)
  const text = explain(
    rules,
    (_, index) => {
      const choice = choices[index]!
      return 'engine' in choice ? { engine: choice.engine.name } : { refusal: choice.refusal }
    },
    options,
  )
  return { text, status: choices.some((choice) => 'refusal' in choice) ? 1 : 0 }
}
