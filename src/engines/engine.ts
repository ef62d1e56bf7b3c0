import type { Rule, RuleCounts } from '../rules/rule.ts'

export type EngineName = 'override' | 'seccomp' | 'tc' | 'cgroup'

/** The child's cgroup, as BPF programs tell it from others. */
export interface TargetCgroup {
  /** Absolute path of its directory. */
  readonly path: string
  /** 64-bit id (inode number of the directory). */
  readonly id: bigint
  /** Depth below the root of the hierarchy (the root is 0), for bpf_skb_ancestor_cgroup_id(). */
  readonly level: number
}

export interface SupervisorCounts {
  /** Of every rule of the plan. */
  readonly rules: readonly RuleCounts[]
  readonly lostEvents: bigint
  /** Calls of 32-bit programs: let pass, since the rules name native numbers. */
  readonly foreignCalls: bigint
  /** Calls that a signal interrupted before the supervisor had received them. */
  readonly interruptedCalls: bigint
  /** Signals of rules that the kernel did not take. */
  readonly unsentSignals: bigint
  /** Calls that rules name, of programs with more rights than the command's user: let pass. */
  readonly sparedCalls: bigint
  /** Programs that could not be told from their dynamic loader. */
  readonly unreadLoaders: bigint
  /** By rule index: paths that came near a rule's path= and did not match. */
  readonly nearPaths: ReadonlyMap<number, readonly string[]>
}

/** The native supervisor, as the seccomp engine sees it. */
export interface Supervisor {
  /** From the child's first instruction on it answers the calls that these rules name. */
  serve(indices: readonly number[]): void
  counts(): Promise<SupervisorCounts>
  /** From here on no call is faulted, and no event is written. */
  lift(): Promise<void>
}

/** A process that is a target. */
export interface TargetEntry {
  /** Thread group id in the first pid namespace. */
  readonly pid: number
  /** Clock ticks since boot: tells a process id that was used again. */
  readonly birth: bigint
  /** Rule indices. */
  readonly rules: readonly number[]
}

/** Who is a target of the rules that have targets, as the BPF programs look it up. */
export interface Targets {
  /** Descriptors of the maps `targets` and `turn` (bpf/target.bpf.h). */
  readonly map: number
  readonly turnMap: number
  /** On the machine, rules are in force while `turn` has this number. */
  readonly turn: number
}

export interface CommandUser {
  readonly uid: number
  readonly gid: number
}

/** What an engine needs to do its rules. */
export interface EngineContext {
  /** true: targets are looked for on the whole machine, and there is no `cgroup` (run). */
  readonly machine?: boolean
  /** Follows the targets; for engines whose rules have some. Throws MinderbinderError. */
  readonly targets?: () => Promise<Targets>
  /** The whole plan; an engine acts on the indices it was given and leaves the others alone. */
  readonly rules: readonly Rule[]
  readonly seed: bigint
  /** What ld.so does before a program's entry point is faulted too; left out: no. */
  readonly includeLoader?: boolean
  /**
   * A program that runs with more rights than the process that started it (set-user-ID, set-group-ID, file
   * capabilities) is faulted, too; left out: no, for faults would hand its rights on.
   */
  readonly includeSetuid?: boolean
  /** Whose the command is: what it holds more than he does, it has gained. Left out: there is no command. */
  readonly user?: CommandUser
  /** Present where a cgroup could be made; engines that need it were not chosen otherwise. */
  readonly cgroup: TargetCgroup | undefined
  readonly supervisor: Supervisor
  /** Receives each injection as the bytes of a struct event (bpf/rule.h); undefined: nobody listens. */
  readonly onEvent: ((event: Buffer) => void) | undefined
  /** Hears what people should know while it goes on, one line each; left out: the notes tell it afterwards. */
  readonly onNotice?: ((text: string) => void) | undefined
}

/** An engine at work. Nothing of it outlives close(), nor the death of this process. */
export interface AttachedEngine {
  /** Ends when every fault can happen: the child waits for it. Left out: they can. @throws {MinderbinderError} */
  ready?(): Promise<void>
  /** The child is about to exec: `after=` counts from here where no process can be told. */
  start(): void
  /** A process that was a target before the engine was there: what it has open already counts too. */
  adopt?(target: TargetEntry): Promise<void>
  /** From here on nothing is faulted nor counted, so that counts() tells all that happened. Idempotent. */
  lift?(): Promise<void>
  /** Counts of the rules it was given, by rule index; not after close(). */
  counts(): Promise<Map<number, RuleCounts>>
  /** Calls that went past the rules because no rule can name them. */
  foreignCalls?(): bigint
  /** By rule index: paths that came near a rule's path= and did not match, as of the last counts(). */
  nearPaths?(): ReadonlyMap<number, readonly string[]>
  /**
   * Indices of rules with targets of which some process has been one, as of the last counts(); left out: the engine
   * does not know.
   */
  targetsMet?(): ReadonlySet<number>
  /** What a reader of the summary must know, one line each, as of the last counts(). */
  notes?(): readonly string[]
  /** Its notes say how many programs of the whole command were spared: there is no need to count the targets among them. */
  readonly tellsOfSpared?: boolean
  /** Events that were lost because nobody read them in time. */
  lostEvents(): bigint
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
