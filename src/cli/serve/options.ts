/** The options of serve, from commander's strings to values. */
import { resolve } from 'node:path'
import { Option } from 'commander'
import { type EngineOption, engineOptions } from '../../engines/choose.ts'
import { MinderbinderError } from '../../errors.ts'
import { randomSeed } from '../../rules/seed.ts'
import { parseSeed } from '../exec/options.ts'
import { DEFAULT_SOCKET, serveOptions } from '../options.ts'
import { newCommand, parseArguments } from '../parse.ts'

export interface ServeOptions {
  /** Absolute. */
  readonly socket: string
  readonly group: string | undefined
  /** Only the parent process is served, and there is no socket. */
  readonly stdio: boolean
  readonly engine: EngineOption
  /** 0 to 2^64 - 1. */
  readonly seed: bigint
  readonly includeLoader: boolean
  readonly quiet: boolean
}

/** @param args what follows `serve` @throws {MinderbinderError} MB_USAGE, MB_NO_ENGINE @throws {HelpRequest} */
export function parseServe(args: readonly string[]): ServeOptions {
  const parser = newCommand('serve')
    .usage('[OPTION]...')
    .description(
      'Let processes that run already inject faults into themselves, through a socket, until ^C (root).',
    )
    .passThroughOptions(false)
    .argument('[operand...]')
  for (const { flags, description, group } of Object.values(serveOptions)) {
    const option = new Option(flags, description).helpGroup(`${group}:`)
    if (flags.startsWith('--seed')) option.argParser(parseSeed)
    if (flags.startsWith('--socket')) option.default(DEFAULT_SOCKET)
    if (flags.startsWith('--stdio')) option.conflicts(['socket', 'group'])
    if (flags.startsWith('--engine')) option.choices(engineOptions).default('auto')
    parser.addOption(option)
  }
  parseArguments(parser, args)
  if (parser.args.length > 0)
    throw new MinderbinderError('MB_USAGE', `serve takes no operand: '${parser.args[0]}'`, {
      hint: 'to run a command whose programs inject faults: minderbinder exec --control -- COMMAND',
    })
  const given = parser.opts()
  if (given.engine === 'seccomp' || given.engine === 'ptrace')
    throw new MinderbinderError(
      'MB_NO_ENGINE',
      `--engine ${given.engine}: ${given.engine} only reaches the processes of a command that minderbinder starts`,
      { hint: `minderbinder exec --control --engine ${given.engine} -- COMMAND` },
    )
  if (given.socket === '') throw new MinderbinderError('MB_USAGE', '--socket: the path is empty')
  return {
    socket: resolve(given.socket),
    group: given.group,
    stdio: given.stdio === true,
    engine: given.engine,
    seed: given.seed ?? randomSeed(),
    includeLoader: given.includeLoader === true,
    quiet: given.quiet === true,
  }
}
