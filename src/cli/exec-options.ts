/** The options of exec, from commander's strings to values. */
import { type Command, Option } from 'commander'
import { type EngineOption, engineOptions } from '../engines/choose.ts'
import { MinderbinderError } from '../errors.ts'
import { addFaultOptions, type Faults } from './faults.ts'
import { execOptions } from './options.ts'

export interface ExecOptions {
  /** 0 to 2^64 - 1. */
  readonly seed: bigint
  readonly engine: EngineOption
  readonly includeLoader: boolean
  readonly includeSetuid: boolean
  readonly user: string | undefined
  readonly output: string | undefined
  readonly log: string | undefined
  readonly quiet: boolean
  readonly graph: boolean
  readonly metrics: string | undefined
  /** If the command succeeded, or whatever became of it; undefined: not required. */
  readonly requireHit: 'success' | 'always' | undefined
}

const seedMax = 2n ** 64n - 1n

/** Adds them to `command`; the returned function reads them once its arguments are parsed. */
export function addExecOptions(command: Command): () => { faults: Faults; options: ExecOptions } {
  const faults = addFaultOptions(command)
  for (const { flags, description, group } of Object.values(execOptions)) {
    const option = new Option(flags, description).helpGroup(`${group}:`)
    if (flags.startsWith('--seed')) option.argParser(parseSeed)
    if (flags.startsWith('--engine')) option.choices(engineOptions).default('auto')
    command.addOption(option)
  }
  return () => {
    const given = command.opts()
    return {
      faults,
      options: {
        seed: given.seed ?? randomSeed(),
        engine: given.engine,
        includeLoader: given.includeLoader === true,
        includeSetuid: given.includeSetuid === true,
        user: given.user,
        output: given.output,
        log: given.log,
        quiet: given.quiet === true,
        graph: given.graph === true,
        metrics: given.metrics,
        requireHit: given.requireHitAlways ? 'always' : given.requireHit ? 'success' : undefined,
      },
    }
  }
}

export function parseSeed(text: string): bigint {
  const seed = /^(\d{1,20}|0x[\da-f]{1,16})$/i.test(text) ? BigInt(text) : -1n
  if (seed < 0n || seed > seedMax)
    throw new MinderbinderError('MB_USAGE', `--seed: '${text}' is no seed`, {
      hint: `a seed is a whole number from 0 to ${seedMax}`,
    })
  return seed
}

/** 32 bits: enough to differ from run to run, short enough to type. */
export function randomSeed(): bigint {
  return BigInt(Math.floor(Math.random() * 2 ** 32))
}
