/** commander as this project uses it: its errors are ours, and it never ends the process. */
import { Command, CommanderError, type Option } from 'commander'
import { MinderbinderError } from '../errors.ts'
import { packageFile } from '../installation.ts'
import { otherOptionHint } from './other-options.ts'

/** Help or the version was asked for: `text` is for stdout. */
export class HelpRequest extends Error {
  readonly text: string

  constructor(text: string) {
    super('help was asked for')
    this.text = text
  }
}

/**
 * A value that is there only after `=`: `--control npm test` has none. To commander, what follows an option with an
 * optional value is its value.
 */
class OwnCommand extends Command {
  override parseOptions(args: string[]) {
    return super.parseOptions(withoutValues(args, this.options))
  }
}

/** Each such option without a value gets an empty one. Options end at the first operand. */
function withoutValues(args: readonly string[], options: readonly Option[]): string[] {
  const all = [...args]
  for (let at = 0; at < all.length; at++) {
    const arg = all[at]!
    if (!arg.startsWith('-') || arg === '-' || arg === '--') break
    const option = options.find((each) => isNamed(each, arg)) ?? lastOfSeveral(arg, options)
    if (option?.optional) all[at] = `${arg}=`
    if (option?.required) at += 1
  }
  return all
}

function isNamed({ short, long }: Option, arg: string): boolean {
  return short === arg || long === arg
}

/** `-qu NAME`: the option whose value follows, if one of these letters has a value and is the last. */
function lastOfSeveral(arg: string, options: readonly Option[]): Option | undefined {
  if (arg.startsWith('--')) return undefined
  const letters = [...arg.slice(1)].map((letter) =>
    options.find((each) => isNamed(each, `-${letter}`)),
  )
  const at = letters.findIndex((option) => option?.required)
  return at === letters.length - 1 ? letters[at] : undefined
}

/** A subcommand whose options end at the first operand, so that `exec ls --help` is ls's. */
export function newCommand(name: string): Command {
  return new OwnCommand(`minderbinder ${name}`.trim())
    .exitOverride()
    .passThroughOptions()
    .helpOption('-h, --help', 'show this text')
    .addHelpText('afterAll', () => `\nManual: man ${packageFile('man/minderbinder.1')}`)
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
        otherOptionHint(message) ?? (suggestion || `${command.name()} --help lists the options`),
    })
  }
}
