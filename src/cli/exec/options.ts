/** The options of exec, from commander's strings to values. */
import { type Command, Option } from 'commander'
import { type EngineOption, engineOptions } from '../../engines/choose.ts'
import { checkedSeed, randomSeed } from '../../rules/seed.ts'
import { faultHelp } from '../fault-help.ts'
import { addFaultOptions, type Faults } from '../faults.ts'
import { logLimitOf, parseLogLimit } from '../log-limit.ts'
import { execOptions } from '../options.ts'
import { newCommand, parseArguments } from '../parse.ts'

export interface ExecOptions {
  /** 0 to 2^64 - 1. */
  readonly seed: bigint
  readonly engine: EngineOption
  /** SET of --control, empty if none was given; undefined: no --control. */
  readonly control: string | undefined
  readonly includeLoader: boolean
  readonly includeSetuid: boolean
  readonly user: string | undefined
  readonly output: string | undefined
  readonly log: string | undefined
  /** Bytes. */
  readonly logLimit: number
  readonly report: string | undefined
  readonly quiet: boolean
  readonly graph: boolean
  readonly metrics: string | undefined
  /** If the command succeeded, or whatever became of it; undefined: not required. */
  readonly requireHit: 'success' | 'always' | undefined
}

/** The parser of what follows `exec`, and how to read its options once it has parsed. */
export function execParser(): { parser: Command; read: ReturnType<typeof addExecOptions> } {
  const parser = newCommand('exec')
    .usage('[FAULT]... [OPTION]... [--] COMMAND [ARG]...')
    .description('Run COMMAND under faults, and exit with its status.')
    .argument('[command...]')
  return { parser, read: addExecOptions(parser) }
}

/** Always a request for help: `minderbinder help exec`. @throws {HelpRequest} */
export function execHelp(): never {
  parseArguments(execParser().parser, ['--help'])
  throw new Error('no help was shown')
}

/** Adds them to `command`; the returned function reads them once its arguments are parsed. */
export function addExecOptions(command: Command): () => { faults: Faults; options: ExecOptions } {
  const readFaults = addFaultOptions(command)
  command.addHelpText('after', faultHelp)
  for (const { flags, description, group } of Object.values(execOptions)) {
    const option = new Option(flags, description).helpGroup(`${group}:`)
    if (flags.startsWith('--seed')) option.argParser(parseSeed)
    if (flags.startsWith('--log-limit')) option.argParser(parseLogLimit)
    if (flags.startsWith('--engine')) option.choices(engineOptions).default('auto')
    command.addOption(option)
  }
  return () => {
    const given = command.opts()
    return {
      faults: readFaults(),
      options: {
        seed: given.seed ?? randomSeed(),
        engine: given.engine,
        control: given.control === true ? '' : given.control,
        includeLoader: given.includeLoader === true,
        includeSetuid: given.includeSetuid === true,
        user: given.user,
        output: given.output,
        log: given.log,
        logLimit: logLimitOf(given),
        report: given.report,
        quiet: given.quiet === true,
        graph: given.graph === true,
        metrics: given.metrics,
        requireHit: given.requireHitAlways ? 'always' : given.requireHit ? 'success' : undefined,
      },
    }
  }
}

export function parseSeed(text: string): bigint {
  const seed = /^(\d{1,20}|0x[\da-f]{1,16})$/i.test(text) ? BigInt(text) : undefined
  return checkedSeed(seed, `--seed: invalid seed '${text}'`)
}
