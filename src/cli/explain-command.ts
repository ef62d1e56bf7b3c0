/** `minderbinder explain [FAULT]...`: argv in, text out; changes nothing. */
import { chooseEngine } from '../engines/choose.ts'
import { engines } from '../engines/engines.ts'
import { MinderbinderError } from '../errors.ts'
import { addExecOptions } from './exec-options.ts'
import { explain } from './explain.ts'
import { newCommand, parseArguments } from './parse.ts'

/** The text for stdout. @throws {MinderbinderError} @throws {HelpRequest} */
export function explainCommand(args: readonly string[]): string {
  const parser = newCommand('explain').usage('[FAULT]... [OPTION]...')
  const read = addExecOptions(parser)
  parseArguments(parser.argument('[command...]', 'ignored: takes a whole exec line'), args)
  const { rules, options } = read()
  if (rules.length === 0)
    throw new MinderbinderError('MB_USAGE', 'explain: no fault was given', {
      hint: 'minderbinder explain --syscall openat=ENOENT@50%',
    })
  return explain(
    rules,
    (rule) => {
      const choice = chooseEngine(rule, engines, options.engine)
      return 'engine' in choice ? { engine: choice.engine.name } : { refusal: choice.refusal }
    },
    options,
  )
}
