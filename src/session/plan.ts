import type { Engine, Scope } from '../engines/engine.ts'
import type { CommandSearch } from '../launch/interpreter.ts'
import type { UserIds } from '../launch/stage-frame.ts'
import type { Wanted } from '../observe/observer.ts'
import type { Rule } from '../rules/rule.ts'

/** What both kinds of session are to do, decided before anything is touched. */
export interface Plan {
  readonly rules: readonly Rule[]
  readonly seed: bigint
  /** Which engine does which rules, by index. */
  readonly engines: ReadonlyMap<Engine, readonly number[]>
  readonly includeLoader: boolean
  /** Faults programs that run with more rights than their parents, too. */
  readonly includeSetuid: boolean
  /** This process may have more runs to come (EngineContext). */
  readonly keepsLoaded?: boolean | undefined
  /** Receives each injection as the bytes of a struct event. */
  readonly onEvent?: ((event: Buffer) => void) | undefined
}

/** What a command's session is to do. */
export interface CommandPlan extends Plan {
  /**
   * The engine that takes over another's rules if that one does not attach: one that `engines` names later or not at
   * all. Without it, or if it finds none, that is an error.
   */
  readonly engineInstead?: (failed: Engine, indices: readonly number[]) => Engine | undefined
  /** What change() may make of the rules. Without it, rules can be removed, and none added. */
  readonly scope?: Scope | undefined
  /** Programs of the command may connect to a socket, which their environment names (Supervisor.onClients). */
  readonly control?: boolean | undefined
  /** Receives, as onEvent, what clients ask for: the engines that the supervisor does know which rules those are. */
  readonly onClientEvent?: ((event: Buffer) => void) | undefined
  /** There is no child: the process that the supervisor was started for has the filter (SupervisedCommand.joining). */
  readonly joins?: boolean | undefined
  /** Place of COMMAND among the user's arguments, from 0. */
  readonly argvIndex: number
  /** COMMAND, for messages. */
  readonly command: string
  /** Where the launcher searches for COMMAND, for messages. Without it: where this process would search. */
  readonly search?: CommandSearch | undefined
  readonly user: UserIds | undefined
  /** What sample() has to show. Without it, the session cannot be sampled. */
  readonly watched?: Wanted | undefined
}
