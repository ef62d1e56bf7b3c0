import type { ChildCgroup } from '../kernel/cgroup/cgroup.ts'
import type { SupervisorCounts } from '../launch/counts-frame.ts'
import type { Rule, RuleCounts } from '../rules/rule.ts'
import type { TargetEntry, Targets } from '../targets/target.ts'

export type EngineName = 'override' | 'seccomp' | 'tc' | 'cgroup'

/** The native supervisor, as the seccomp engine sees it. */
export interface Supervisor {
  counts(): Promise<SupervisorCounts>
  /** From here on no call is faulted, and no event is written. */
  lift(): Promise<void>
}

export interface CommandUser {
  readonly uid: number
  readonly gid: number
}

/** What an engine needs to do its rules. */
export interface EngineContext {
  /** The whole plan; an engine acts on the indices it was given and leaves the others alone. */
  readonly rules: readonly Rule[]
  readonly seed: bigint
  /** true: targets are looked for on the whole machine, and there is no `cgroup` (run). */
  readonly machine?: boolean | undefined
  /** The child's own, if one could be made; engines that need it were not chosen otherwise. */
  readonly cgroup?: ChildCgroup | undefined
  /** Present if there is a command: without one, seccomp is not chosen. */
  readonly supervisor?: Supervisor | undefined
  /** The command's user: the rights that a program has beyond theirs, it has gained. Present if there is a command. */
  readonly user?: CommandUser | undefined
  /** Follows the targets. Present if some rule has targets. Throws MinderbinderError. */
  readonly targets?: (() => Promise<Targets>) | undefined
  /** Faults what ld.so does before a program's entry point, too. */
  readonly includeLoader?: boolean | undefined
  /**
   * Faults programs that run with more rights than the process that started them (set-user-ID, set-group-ID, file
   * capabilities), too. Off unless asked for: faults would hand their rights on.
   */
  readonly includeSetuid?: boolean | undefined
  /** Receives each injection as the bytes of a struct event (bpf/rule.h). */
  readonly onEvent?: ((event: Buffer) => void) | undefined
  /** Receives what people should know while it goes on, one line each; without it, only the notes have it. */
  readonly onNotice?: ((text: string) => void) | undefined
}

/** What the child's start has to bring along for an engine. */
export interface ChildSetup {
  /** Indices of the rules whose calls the supervisor answers, from the child's first instruction on. */
  readonly notified: readonly number[]
}

/** What an engine has done up to one moment. */
export interface EngineSnapshot {
  /** Of the rules it was given, by rule index. */
  readonly counts: ReadonlyMap<number, RuleCounts>
  /** Events that were lost because they were not read in time. */
  readonly lostEvents: bigint
  /** Calls that went past the rules because no rule can name them. */
  readonly foreignCalls?: bigint
  /** By rule index: paths that came near a rule's path= and did not match. */
  readonly nearPaths?: ReadonlyMap<number, readonly string[]>
  /** What a reader of the summary must know, one line each. */
  readonly notes?: readonly string[]
}

/** An engine at work. Nothing of it outlives close(), nor the death of this process. */
export interface AttachedEngine {
  /** Read once, before the child is staged. */
  readonly child?: ChildSetup
  /** Its notes say how many programs of the whole command were spared: there is no need to count the targets among them. */
  readonly tellsOfSpared?: boolean
  /** Ends when every fault can happen: the child waits for it. Absent: they can. @throws {MinderbinderError} */
  ready?(): Promise<void>
  /** The child is about to exec: `after=` counts from here if no process can be told from another. */
  start?(): void
  /** A process that was a target before the engine was there: what it has open already counts too. */
  adopt?(target: TargetEntry): Promise<void>
  /** From here on nothing is faulted nor counted, so that snapshot() has all that happened. Idempotent. */
  lift?(): Promise<void>
  /** Not after close(). */
  snapshot(): Promise<EngineSnapshot>
  /**
   * Lifts what is not lifted yet, and gives everything back; the kernel may take some milliseconds more for it, and this
   * process does not end before. Idempotent.
   */
  close(): Promise<void>
}

export interface Engine {
  readonly name: EngineName
  /** Pure: undefined where the engine can do this rule in principle, else why not. */
  refusal(rule: Rule): string | undefined
  /**
   * Why the engine cannot do these rules, all at once, on this machine, as far as that is known without
   * trying; left out: attach() says. Costs next to nothing, and changes nothing.
   */
  refusalHere?(rules: readonly Rule[]): string | undefined
  /** Attaches everything or nothing. Throws MinderbinderError. */
  attach(context: EngineContext, indices: readonly number[]): Promise<AttachedEngine>
}
