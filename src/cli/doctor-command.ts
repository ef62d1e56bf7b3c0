/** `minderbinder doctor [--json]`: argv in, text and exit status out; tries everything and leaves nothing. */
import { examine } from '../doctor/examine.ts'
import { holdingSignals } from '../doctor/hold-signals.ts'
import { toJson } from '../doctor/json.ts'
import { toText } from '../doctor/text.ts'
import { exitStatusOf } from '../doctor/verdict.ts'
import { MinderbinderError } from '../errors.ts'
import { jsonOptions } from './options.ts'
import { newCommand, parseArguments } from './parse.ts'

/** For stdout. Status 0 where some fault works here, else 1. @throws {MinderbinderError} @throws {HelpRequest} */
export async function doctorCommand(
  args: readonly string[],
): Promise<{ text: string; status: 0 | 1 }> {
  const parser = newCommand('doctor')
    .usage('[--json]')
    .description('Check which faults work here, as this user; exit with 1 if none does.')
    .passThroughOptions(false)
    .argument('[operand...]')
    .option(jsonOptions.json.flags, jsonOptions.json.description)
  parseArguments(parser, args)
  if (parser.args.length > 0)
    throw new MinderbinderError('MB_USAGE', `doctor: unexpected argument '${parser.args[0]}'`, {
      hint: 'doctor has one option: --json',
    })
  const report = await holdingSignals(examine)
  const text =
    parser.opts().json === true
      ? `${JSON.stringify(toJson(report), undefined, 2)}\n`
      : toText(report)
  return { text, status: exitStatusOf(report.verdicts) }
}
