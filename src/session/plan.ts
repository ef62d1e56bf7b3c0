import type { Engine } from '../engines/engine.ts'
import type { Rule } from '../rules/rule.ts'
import type { ChildEnd, UserIds } from './launcher.ts'
import type { EngineTotals } from './totals.ts'

/** What a session is to do, decided before anything is touched. */
export interface Plan {
  readonly rules: readonly Rule[]
  readonly seed: bigint
  /** Which engine does which rules, by index. */
  readonly engines: ReadonlyMap<Engine, readonly number[]>
  /** Place of COMMAND among the user's arguments, from 0. */
  readonly argvIndex: number
  /** COMMAND, for messages. */
  readonly command: string
  readonly user: UserIds | undefined
  readonly includeLoader: boolean
  /** Receives each injection as the bytes of a struct event; undefined: nobody wants them. */
  readonly onEvent: ((event: Buffer) => void) | undefined
}

/** What became of it. */
export interface SessionResult extends EngineTotals {
  readonly end: ChildEnd
}
