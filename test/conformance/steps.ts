/** What a case's program does, as data; test/fixtures/steps.c does it, model.ts says what must come of it. */
import { type FixtureOptions, fixture } from '../helpers/fixture.ts'

/** A call over and over. */
export interface Call {
  readonly do: 'call'
  readonly name: string
  readonly args: readonly (number | string)[]
  readonly count: number
  /** What it returns if nothing is faulted, raw: -9 is EBADF. */
  readonly natural: bigint
  /** How many bytes it asks to move, of a file that has them: left out, it fails. */
  readonly asked?: number
}

/** Where the steps within run; each is waited for. */
export type Place =
  | 'fork'
  | 'thread'
  /** New programs: the same one again. */
  | 'vfork'
  | 'spawn'
  | 'search'

export type Step =
  | Call
  | { readonly do: 'in'; readonly place: Place; readonly steps: readonly Step[] }
  /** Side by side. */
  | {
      readonly do: 'many'
      readonly place: 'fork' | 'thread'
      readonly width: number
      readonly steps: readonly Step[]
    }
  /** Left behind; the steps after `hold` run when minderbinder has ended. */
  | { readonly do: 'daemon'; readonly steps: readonly Step[] }
  /** The rest goes on in a new program: exec by the main thread, by another one, through sh and env. */
  | { readonly do: 'exec' | 'texec' | 'shexec' }
  /** Until the runner has done its part. */
  | { readonly do: 'hold' }
  /**
   * Calls until it returns something else than `while`, or than its natural value, which must be no sooner than that many
   * ms after the process's start.
   */
  | { readonly do: 'until'; readonly ms: number; readonly call: Call; readonly while?: bigint }
  /** That many ms since the last `took`. */
  | { readonly do: 'took'; readonly ms: number }
  | { readonly do: 'signals' }
  /** The library's loading calls openat once. */
  | { readonly do: 'dlopen'; readonly library: Program }
  /** `first`: what it does of its own accord before main. */
  | {
      readonly do: 'run'
      readonly program: Program
      readonly first?: readonly Step[]
      readonly steps: readonly Step[]
    }
  /** A program that knows no steps: exits with the errno of the first of its calls that fails, else with `status`. */
  | {
      readonly do: 'other'
      readonly program: Program
      readonly words: readonly string[]
      readonly calls: readonly Call[]
      readonly status?: number
    }

/** A fixture, linked some way; `script`: a file that begins with #! and names it. */
export interface Program extends FixtureOptions {
  readonly fixture: string
  readonly script?: true
  /** What it is called: a copy of it. */
  readonly as?: string
}

export const steps: Program = { fixture: 'steps' }

const EBADF = -9n
const ENOENT = -2n

/** Of calls that no C library makes before or after main, and that fail with EBADF in the same way everywhere. */
export function calls(name: string, count: number, fd = -1): Call {
  return { do: 'call', name, args: [fd], count, natural: EBADF }
}

/** faccessat2, which no loader calls, or another call with a path after a directory; the path does not exist. */
export function paths(path: string, count: number, name = 'faccessat2'): Call {
  return { do: 'call', name, args: [-100, `:${path}`, 0, 0], count, natural: ENOENT }
}

export function twoPaths(name: string, from: string, to: string, count: number): Call {
  const args = [-100, `:${from}`, -100, `:${to}`, 0]
  return { do: 'call', name, args, count, natural: ENOENT }
}

/** The first descriptor that is free in a program that node has started. */
const zero = 3

/** Before `reads`. */
export const openZero: Call = {
  ...{ do: 'call', name: 'openat', args: [-100, ':/dev/zero', 0] },
  ...{ count: 1, natural: BigInt(zero) },
}

/** Of a file that has as many bytes as it is asked for. */
export function reads(bytes: number, count: number, fd = zero): Call {
  const args = [fd, `:${'.'.repeat(bytes)}`, bytes, 0]
  return { do: 'call', name: 'pread64', args, count, natural: BigInt(bytes), asked: bytes }
}

/** openat of a file that does not exist: what loaders call too. */
export function opens(count: number, path = '/nowhere'): Call {
  return paths(path, count, 'openat')
}

export interface Places {
  /** Whose appearance ends a `hold`. */
  readonly signal: string
  /** Where a file can be made. */
  script(program: string): string
  /** And a copy of a program, of this name. */
  copy(program: string, name: string): string
}

/** Compiles it where that has not been done. */
export function pathOf(program: Program, places: Places): string {
  const binary = fixture(program.fixture, program)
  if (program.as !== undefined) return places.copy(binary, program.as)
  return program.script ? places.script(binary) : binary
}

/** The arguments of test/fixtures/steps.c. */
export function words(steps: readonly Step[], places: Places): string[] {
  const letters = { fork: '', thread: 't', vfork: 'v', spawn: 's', search: 'p' } as const
  const block = (opening: string, inner: readonly Step[]) => [
    `${opening}{`,
    ...words(inner, places),
    '}',
  ]
  return steps.flatMap((step): string[] => {
    switch (step.do) {
      case 'call':
        return [`${step.count} ${step.name} ${step.args.join(' ')}`]
      case 'in':
        return block(letters[step.place], step.steps)
      case 'many':
        return block(`${step.width}*${letters[step.place]}`, step.steps)
      case 'daemon':
        return block('d', step.steps)
      case 'run':
        return block(`=${pathOf(step.program, places)}`, step.steps)
      case 'other':
        return [`=${pathOf(step.program, places)}{`, ...step.words, '}']
      case 'until': {
        const { name, args, natural } = step.call
        return [`until ${step.ms} ${step.while ?? natural} ${name} ${args.join(' ')}`]
      }
      case 'took':
        return [`took ${step.ms}`]
      case 'dlopen':
        return [`dlopen ${pathOf(step.library, places)}`]
      case 'hold':
        return [`hold ${places.signal}`]
      default:
        return [step.do]
    }
  })
}
