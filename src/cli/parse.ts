/** commander as this project uses it: its errors are ours, and it never ends the process. */
import { Command, CommanderError } from 'commander'
import { MinderbinderError } from '../errors.ts'
import { otherOptionHint } from './other-options.ts'

/** Help or the version was asked for: `text` is for stdout. */
export class HelpRequest extends Error {
  readonly text: string

  constructor(text: string) {
    super('help was asked for')
    this.text = text
  }
}

/** A subcommand whose options end at the first operand, so that `exec ls --help` is ls's. */
export function newCommand(name: string): Command {
  return new Command(`minderbinder ${name}`.trim())
    .exitOverride()
    .passThroughOptions()
    .helpOption('-h, --help', 'show this text')
    .configureOutput({ writeOut: () => {}, writeErr: () => {} })
}

/** @throws {HelpRequest} @throws {MinderbinderError} MB_USAGE */
export function parseArguments(command: Command, args: readonly string[]): Command {
  let help = ''
  command.configureOutput({
    writeOut: (text) => {
      help += text
    },
    writeErr: () => {},
  })
  try {
    return command.parse(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) throw new HelpRequest(help)
    const [message = '', ...rest] = error.message.replace(/^error: /, '').split('\n')
    const suggestion = rest
      .join(' ')
      .replace(/^\((.*)\)$/, '$1')
      .trim()
    throw new MinderbinderError('MB_USAGE', message, {
      hint:
        otherOptionHint(message) ?? (suggestion || `${command.name()} --help shows what there is`),
    })
  }
}
