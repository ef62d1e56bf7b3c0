/** The options of run, from commander's strings to values. */
import { Option } from 'commander'
import { MinderbinderError } from '../../errors.ts'
import { packageFile } from '../../installation.ts'
import { randomSeed } from '../../rules/seed.ts'
import { parseSeed } from '../exec/options.ts'
import { logLimitOf, parseLogLimit } from '../log-limit.ts'
import { runOptions } from '../options.ts'
import { newCommand, parseArguments } from '../parse.ts'

export interface RunOptions {
  /** At least one. */
  readonly configs: readonly string[]
  readonly interface: string | undefined
  /** 0 to 2^64 - 1. */
  readonly seed: bigint
  readonly includeLoader: boolean
  readonly includeSetuid: boolean
  readonly skipUnsupported: boolean
  readonly dryRun: boolean
  readonly graph: boolean
  readonly metrics: string | undefined
  readonly output: string | undefined
  readonly log: string | undefined
  /** Bytes. */
  readonly logLimit: number
  readonly report: string | undefined
  readonly quiet: boolean
}

/** @param args what follows `run` @throws {MinderbinderError} MB_USAGE @throws {HelpRequest} */
export function parseRun(args: readonly string[]): RunOptions {
  const parser = newCommand('run')
    .usage('[OPTION]... CONFIG.yaml...')
    .description(
      'Inject faults into the processes that the files name, on the whole machine, until ^C (root).',
    )
    .passThroughOptions(false)
    .addHelpText('afterAll', () => `Files:  man ${packageFile('man/minderbinder.yaml.5')}`)
    .argument('[config...]')
  for (const { flags, description, group } of Object.values(runOptions)) {
    const option = new Option(flags, description).helpGroup(`${group}:`)
    if (flags.startsWith('--seed')) option.argParser(parseSeed)
    if (flags.startsWith('--log-limit')) option.argParser(parseLogLimit)
    parser.addOption(option)
  }
  parseArguments(parser, args)
  if (parser.args.length === 0)
    throw new MinderbinderError('MB_USAGE', 'run: no configuration file was given', {
      hint: 'minderbinder run config.yaml; man 5 minderbinder.yaml says what is in it',
    })
  const given = parser.opts()
  return {
    configs: parser.args,
    interface: given.interface,
    seed: given.seed ?? randomSeed(),
    includeLoader: given.includeLoader === true,
    includeSetuid: given.includeSetuid === true,
    skipUnsupported: given.skipUnsupported === true,
    dryRun: given.dryRun === true,
    graph: given.graph !== false,
    metrics: given.metrics,
    output: given.output,
    log: given.log,
    logLimit: logLimitOf(given),
    report: given.report,
    quiet: given.quiet === true,
  }
}
