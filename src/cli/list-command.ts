/** `minderbinder list syscalls|errnos|families [--json]`: argv in, text out. */
import { MinderbinderError } from '../errors.ts'
import { architecture } from '../kernel/architecture.ts'
import { list } from './list.ts'
import { jsonOptions } from './options.ts'
import { newCommand, parseArguments } from './parse.ts'

/** The text for stdout. @throws {MinderbinderError} @throws {HelpRequest} */
export function listCommand(args: readonly string[]): string {
  const parser = newCommand('list')
    .usage('syscalls|errnos|families [--json]')
    .description('Print the names that a fault can use, one per line.')
    .passThroughOptions(false)
    .argument('[what]')
    .option(jsonOptions.json.flags, jsonOptions.json.description)
  parseArguments(parser, args)
  const [what] = parser.args
  if (what === undefined)
    throw new MinderbinderError('MB_USAGE', 'list: nothing to list was given', {
      hint: 'minderbinder list syscalls, or errnos, or families',
    })
  return list(what, { json: parser.opts().json === true }, architecture)
}
