import type { Stdio } from '../launch/stdio.ts'
import type { Fault } from './faults.ts'

/** What run() of the library is to do. */
export interface RunRequest {
  /** The program, looked for in PATH of `env`, and its arguments. */
  readonly command: readonly [string, ...string[]]
  readonly faults: readonly Fault[]
  /** All of the command's environment. Default: this process's. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Default: this process's. */
  readonly cwd?: string
  /** Of all three descriptors, or of each: `'inherit'`, `'ignore'` or a descriptor. Default: `'inherit'`. */
  readonly stdio?: Stdio | readonly [Stdio, Stdio, Stdio]
  /** 0 to 2^64 - 1. Default: a random one, which the report has. */
  readonly seed?: bigint | number
  /** Default: `'auto'`. */
  readonly engine?: 'auto' | 'override' | 'hook' | 'seccomp' | 'ptrace'
  /** Milliseconds, more than 0. After that the command and all that it started are killed. Default: no limit. */
  readonly timeoutMs?: number
  /** When it is aborted, the command and all that it started are killed, and run() rejects with its reason. */
  readonly signal?: AbortSignal
  /** Fault what the dynamic loader does before the program's entry point, too. Default: false. */
  readonly includeLoader?: boolean
  /** Fault programs with more rights than this process's user, too. Default: false. */
  readonly includeSetuid?: boolean
}
