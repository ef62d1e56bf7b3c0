import type { ChildCgroup } from '../kernel/cgroup/cgroup.ts'
import type { Caller, SupervisorChange } from '../launch/change-frame.ts'
import type { SupervisorCounts } from '../launch/counts-frame.ts'
import type { OuterListener, PreparedSupervisorChange } from '../launch/supervisor.ts'
import type { Rule, RuleCounts, Slot } from '../rules/rule.ts'
import type { Shared } from '../shared.ts'
import type { CallerTargets } from '../targets/caller-targets.ts'
import type { TargetEntry, Targets } from '../targets/target.ts'

export type EngineName = 'override' | 'hook' | 'seccomp' | 'ptrace' | 'tc' | 'cgroup'

/** Calls fail in the kernel, by bpf/syscall.bpf.c, which tells a command's processes by their cgroup. */
export const kernelEngines: readonly string[] = ['override', 'hook'] satisfies EngineName[]

/** The native supervisor, as the engines seccomp and ptrace see it. */
export interface Supervisor {
  counts(): Promise<SupervisorCounts>
  /** Other rules, ready to be in force all at once. @throws {ChangeError} */
  prepare(change: SupervisorChange): Promise<PreparedSupervisorChange>
  /** Faults no call and writes no event from here on. */
  lift(): Promise<void>
  /** Before the child is staged. */
  onOuter(listener: OuterListener): void
  sendToOuter(text: string): void
  /** Whatever waits for the supervisor fails so: the command is killed. */
  giveUp(failure: Error): void
}

/** What rules may become while they are in force. */
export interface Scope {
  /** How many there may be at one time. */
  readonly capacity: number
  /** System calls that rules may name: what is attached to a running program's calls cannot grow. */
  readonly reach: ReadonlySet<string>
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
  /** true: targets may be anywhere on the machine, and there is no `cgroup` (run). */
  readonly machine?: boolean | undefined
  /** The child's own, if one could be made; engines that need it were not chosen otherwise. */
  readonly cgroup?: ChildCgroup | undefined
  /** Present if there is a command: without one, neither seccomp nor ptrace is chosen. */
  readonly supervisor?: Supervisor | undefined
  /** The command's user: a program has gained the rights that it has beyond this user's. Present if there is a command. */
  readonly user?: CommandUser | undefined
  /** Follows the targets. Present if some rule has targets. Throws MinderbinderError. */
  readonly targets?: (() => Promise<Targets>) | undefined
  /** Faults what ld.so does before a program's entry point, too. */
  readonly includeLoader?: boolean | undefined
  /**
   * Faults programs that run with more rights than the process that started them (set-user-ID, set-group-ID, file
   * capabilities), too. Off by default: faults could pass their rights on.
   */
  readonly includeSetuid?: boolean | undefined
  /** This process may have more runs to come: the engine keeps what it loaded for the next one, for a moment. */
  readonly keepsLoaded?: boolean | undefined
  /** Present if the rules may change. */
  readonly scope?: Scope | undefined
  /**
   * Follows the processes that ask for rules, for so many more of them: the engine leaves when it is done. Present if the
   * rules may change. Throws MinderbinderError.
   */
  readonly callers?: ((rules: number) => Promise<Shared<CallerTargets>>) | undefined
  /** Path of the socket on which clients ask for rules: their calls on it are not faulted. */
  readonly controlSocket?: string | undefined
  /** Receives each injection as the bytes of a struct event (bpf/rule.h). */
  readonly onEvent?: ((event: Buffer) => void) | undefined
  /** Receives what people should know during the run, one line each; without it, only the notes have it. */
  readonly onNotice?: ((text: string) => void) | undefined
}

/** A change of an engine's rules, all at once. */
export interface RuleChange {
  readonly add: ReadonlyMap<Slot, Rule>
  readonly remove: readonly Slot[]
  /** The process that the added rules are for. Without it: every process. */
  readonly caller?: Caller | undefined
  /** Of added rules, if they do not draw by the session's. */
  readonly seeds?: ReadonlyMap<Slot, bigint> | undefined
  /**
   * On the machine a change replaces all rules: what the added ones need, whose slots are indices of this plan. They are
   * tried when it is their turn (`targets`); from that moment on, those before are not.
   */
  readonly context?: EngineContext | undefined
}

/** A change that can no longer fail. One of the two has to follow before the next prepare(). */
export interface PreparedChange {
  /** A process that is a target of the rules to come: what it has open already counts too. Throws as prepare() does. */
  adopt?(target: TargetEntry): Promise<void>
  /** The change is in force from here on, and snapshot() has the rules after it. Never rejects. */
  commit(): Promise<Committed>
  /** The engine is as it was. */
  abandon(): Promise<void>
}

/** What a change that is in force has left of the rules before. */
export interface Committed {
  /** What those rules have done that snapshot() no longer has; missing if that cannot be known any more. */
  readonly last?: EngineSnapshot | undefined
  /** What went wrong with the rules before: the change is in force all the same. */
  readonly failure?: unknown
}

/** What the child's start has to bring along for an engine. */
export interface ChildSetup {
  /** Slots of the rules whose calls the supervisor answers, from the child's first instruction on: indices, of a plan's. */
  readonly supervised: readonly number[]
  /** It receives them by ptrace, not by a seccomp listener. */
  readonly traces: boolean
  /** Present if the supervisor may get others. */
  readonly scope?: Scope | undefined
  /** Path of the socket of the session around this one, to which the child connects (Supervisor.onOuter). */
  readonly outer?: string | undefined
}

/** What an engine has done up to one moment. */
export interface EngineSnapshot {
  /** By slot, of the rules it was given: the index, unless a change added the rule. Removed ones, too. */
  readonly counts: ReadonlyMap<number, RuleCounts>
  /** Events that were lost because they were not read in time. */
  readonly lostEvents: bigint
  /** Calls that bypassed the rules because no rule can name them. */
  readonly foreignCalls?: bigint
  /** By slot: paths that came near a rule's path= and did not match. */
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
  /**
   * Why it cannot take this rule on now, though the engine can do it in principle; undefined: nothing is known against
   * it.
   *
   * @param caller the client that it is for, as in a change
   */
  refusal(rule: Rule, caller?: Caller): string | undefined
  /**
   * Does all of a change that can fail. No call is ever decided by half of it.
   *
   * @throws {MinderbinderError} and everything is as it was
   */
  prepare(change: RuleChange): Promise<PreparedChange>
  /** Faults and counts nothing from here on, so that snapshot() has all that happened. Idempotent. */
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
  /** `auto` never takes it. */
  readonly onlyByName?: true
  /**
   * When it is started to take rules that come while a command runs (exec --control), even without rules at
   * its start. `named`: by --engine, which is about system calls. Without it, the engine's rules stay as they are.
   */
  readonly addedRules?: 'always' | 'unless another is named' | 'if named'
  /** Pure: undefined where the engine can do this rule in principle, else why not. */
  refusal(rule: Rule): string | undefined
  /**
   * Why the engine cannot do these rules, all at once, on this machine, as far as that is known without
   * trying; if absent, attach() says. Costs next to nothing, and changes nothing.
   */
  refusalHere?(rules: readonly Rule[]): string | undefined
  /**
   * Why `auto` leaves this command's rules to the engines after it, although this one may be able to do them. Costs next to
   * nothing, and changes nothing.
   *
   * @param command its program, as the user wrote it; undefined if there is none yet
   */
  leaves?(command: string | undefined): string | undefined
  /** Attaches everything or nothing. Throws MinderbinderError. */
  attach(context: EngineContext, indices: readonly number[]): Promise<AttachedEngine>
}
