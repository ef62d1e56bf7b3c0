/** Targets of rules that come and go while a command runs: each is for a process that asked for it, or for its children. */
import type { BpfObject } from '../kernel/bpf/object.ts'
import { uint32 } from '../kernel/bpf/uint32.ts'
import type { Caller, CallerIdentity } from '../launch/change-frame.ts'
import { decodeRuleSet, encodeRuleSet, RULE_SET_SIZE, RULES_MAX } from '../rules/encode.ts'
import { encodeTargetProcess, targetKey, targetProcess } from './limits.ts'
import type { ProcessInfo } from './process-info.ts'
import { processStructs } from './process-structs.ts'
import type { RunningProcesses } from './running.ts'
import type { TargetEntry, Targets } from './target.ts'

/** As in adoptRunning(): a tree that grows faster is not waited for. */
const ROUNDS_MAX = 20
/** A command's table has no other. */
const SIDE = 0

/** Which processes a rule is for. `children`: those that descend from it and start from now on. */
export type FollowedScope = 'tree' | 'process' | 'children'

export interface CallerTargetsOptions {
  readonly running: RunningProcesses
  readonly turn: number
  /** Processes that gained privileges by their exec are as others. */
  readonly includeSetuid: boolean
  /** On the machine: process id that is never a target. Without it: a command's. */
  readonly own?: number | undefined
}

export class CallerTargets implements Targets {
  readonly firstRow = 0
  readonly firstSlot = 0
  readonly rows = RULES_MAX
  readonly turn: number
  readonly #object: BpfObject
  readonly #options: CallerTargetsOptions
  /** None gets the row of another: sockets keep the rules that their makers were under. */
  #nextRow = 0
  readonly #taken = new Set<number>()

  /** From here on each exec, fork and exit is seen. @param object bpf/process.bpf.o for a command, attached */
  constructor(object: BpfObject, options: CallerTargetsOptions) {
    this.#object = object
    this.#options = options
    this.turn = options.turn
    const everyOther = Array.from({ length: RULES_MAX / 2 }, (_, index) => 2 * index)
    object.update(
      'sides',
      SIDE,
      processStructs.side.encode({
        ...{ active: 1, globs: 0, uids: 0, cgroups: 0, untracked: 0n, spared: 0n },
        inherited: encodeRuleSet(everyOther),
        everyone: encodeRuleSet([]),
      }),
    )
    // On the machine they are in force from here on; programs for a command do not ask.
    object.update('turn', 0, uint32(this.turn))
  }

  get map(): number {
    return this.#object.map('targets')
  }

  get turnMap(): number {
    return this.#object.map('turn')
  }

  /** For so many rules more, whatever they are? */
  hasRoom(rules: number): boolean {
    return this.#nextRow + 2 * rules <= RULES_MAX
  }

  /** A row for one more rule. Those of even number pass to children, so that no map says which do. */
  take(scope: FollowedScope): number {
    const isPassedOn = scope !== 'process'
    const row = this.#nextRow + Number((this.#nextRow % 2 === 0) !== isPassedOn)
    if (row >= RULES_MAX) throw new Error('no row is free')
    this.#nextRow = row + 1
    this.#taken.add(row)
    return row
  }

  /**
   * From here on these rules are known for the process, or for what it starts. Those that run already are handed to
   * `adopt`: they are looked for until all that there are have the rules, for they fork and exec meanwhile.
   *
   * @param caller the process that asked
   */
  async follow(
    rows: readonly number[],
    scope: FollowedScope,
    caller: Pick<Caller, 'pid' | 'identity'>,
    adopt: (target: TargetEntry) => Promise<void>,
  ): Promise<void> {
    const { running, includeSetuid } = this.#options
    const { pid, identity } = caller
    const own = scope === 'children' ? [] : rows
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const all = await running.look()
      const asks = all.filter((each) => each.pid === pid && isStill(each, identity))
      const meant = (scope === 'process' ? asks : below(all, asks)).filter(
        (each) => this.#mayBeTarget(each.pid) && isOwnersOf(each, identity),
      )
      const fresh = meant.filter(
        (each) => (includeSetuid || !each.gainedPrivileges) && this.#give(each, own, rows),
      )
      if (fresh.length === 0) return
      // One that exec'd or ended meanwhile may not be what it was: it is looked at again.
      const unchanged = running.unchanged()
      for (const process of fresh)
        if (!unchanged(process)) this.#takeBack(process, rows)
        else if (own.length > 0)
          await adopt({ pid: process.pid, birth: process.birth, rules: rows })
    }
  }

  /** These rules are no longer in force. */
  release(rows: readonly number[]): void {
    for (const row of rows) this.#taken.delete(row)
    // Before that, what processes have of rules that are over does no harm.
    if (this.#taken.size === 0) for (const key of this.#object.keys('targets', 4)) this.#forget(key)
  }

  /** What a reader of the summary must know. */
  notes(): string[] {
    const bytes = this.#object.lookup('sides', SIDE, processStructs.side.size)
    const untracked = processStructs.side.read(bytes, 'untracked')
    return untracked === 0n
      ? []
      : [`${untracked} processes bypassed the faults of clients: too many were targets at a time`]
  }

  /** As is_spared() of bpf/process.bpf.c says it. */
  #mayBeTarget(pid: number): boolean {
    const { own } = this.#options
    return own === undefined || (pid !== 1 && pid !== own)
  }

  /** @returns whether it did not have them all */
  #give({ pid, birth }: ProcessInfo, own: readonly number[], passed: readonly number[]): boolean {
    const key = uint32(targetKey(pid, SIDE))
    const before = this.#object.get('targets', key, targetProcess.size)
    if (!before) {
      const entry = encodeTargetProcess(birth, encodeRuleSet(own), encodeRuleSet(passed))
      this.#object.putNew('targets', key, entry)
      return true
    }
    const { rules, inherited } = setsOf(before)
    if (before.readBigUInt64LE(0) === birth && passed.every((row) => inherited.has(row)))
      return false
    if (before.readBigUInt64LE(0) === birth)
      this.#put(key, before, [...rules, ...own], [...inherited, ...passed])
    return true
  }

  #takeBack({ pid, birth }: ProcessInfo, rows: readonly number[]): void {
    const key = uint32(targetKey(pid, SIDE))
    const before = this.#object.get('targets', key, targetProcess.size)
    if (before?.readBigUInt64LE(0) !== birth) return
    const { rules, inherited } = setsOf(before)
    for (const row of rows) {
      rules.delete(row)
      inherited.delete(row)
    }
    if (rules.size + inherited.size === 0) this.#forget(key)
    else this.#put(key, before, rules, inherited)
  }

  /** As it was, with these rules. */
  #put(key: Buffer, before: Buffer, rules: Iterable<number>, inherited: Iterable<number>): void {
    const times = before.subarray(0, targetProcess.rules)
    const entry = Buffer.concat([times, encodeRuleSet(rules), encodeRuleSet(inherited)])
    this.#object.put('targets', key, entry)
  }

  #forget(key: Buffer): void {
    this.#object.remove('targets', key)
  }
}

function setsOf(entry: Buffer): { readonly rules: Set<number>; readonly inherited: Set<number> } {
  const { rules, inherited } = targetProcess
  const setAt = (at: number) => new Set(decodeRuleSet(entry.subarray(at, at + RULE_SET_SIZE)))
  return { rules: setAt(rules), inherited: setAt(inherited) }
}

/** Or has another process its number? */
function isStill({ birth }: ProcessInfo, identity: CallerIdentity | undefined): boolean {
  return identity === undefined || identity.birth === birth
}

/** A process of another user is not for a client to fault, even if the client has started it. Root may fault any. */
function isOwnersOf({ uid }: ProcessInfo, identity: CallerIdentity | undefined): boolean {
  return identity === undefined || identity.uid === 0 || identity.uid === uid
}

/** These processes and all that descend from them, as far as parents say. Pure. */
function below(all: readonly ProcessInfo[], of: readonly ProcessInfo[]): ProcessInfo[] {
  const children = new Map<number, ProcessInfo[]>()
  for (const each of all) children.set(each.parent, [...(children.get(each.parent) ?? []), each])
  const found = [...of]
  for (const each of found) found.push(...(children.get(each.pid) ?? []))
  return found
}
