/** bpf/syscall.bpf.o, loaded for some rules of a plan, and for those of plans that follow it. */
import { MinderbinderError } from '../../errors.ts'
import { architecture } from '../../kernel/architecture.ts'
import { aim } from '../../kernel/bpf/aim.ts'
import { type RingReader, readEvents } from '../../kernel/bpf/events.ts'
import { readBpfObject } from '../../kernel/bpf/file.ts'
import { BpfObject } from '../../kernel/bpf/object.ts'
import { missedRuns } from '../../kernel/bpf/program.ts'
import { testRunHere } from '../../kernel/bpf/test-run.ts'
import { uint32 } from '../../kernel/bpf/uint32.ts'
import type { ChildCgroup } from '../../kernel/cgroup/cgroup.ts'
import {
  decodeCounts,
  encodeRules,
  RULE_COUNTS_SIZE,
  RULE_SIZE,
  RULES_MAX,
  SYSCALLS_MAX,
} from '../../rules/encode.ts'
import type { Rule, RuleCounts, Slot } from '../../rules/rule.ts'
import { PROCESSES_MAX, SIDES } from '../../targets/limits.ts'
import type { Targets } from '../../targets/target.ts'
import type { EngineContext } from '../engine.ts'
import { EventRoutes } from '../event-routes.ts'
import type { Losses } from './losses.ts'
import type { PlacedRules } from './placed-rules.ts'
import { countedPerProcess, overrideStructs, settingsOf, sparesPrivileged } from './settings.ts'
import { NAMED_CALL_SIZE, overrideTables } from './tables.ts'

/** Counters of scope=process, one for each process and rule: 64 bytes each where all are used. */
const PROCESS_COUNTS_MAX = 1_048_576
const EVENT_BUFFER = 1024 * 1024
/** A ring buffer has at least a page, which on arm64 may be 64 KiB. */
const NO_EVENT_BUFFER = 64 * 1024
/** No cgroup has this id. */
const NOWHERE = 2n ** 64n - 1n

/** Maps that objects beside each other share: what one of them decides is the others', too. */
const sharedMaps = [
  ...['rules', 'counts', 'calls', 'process_rules', 'process_counts', 'processes', 'settled'],
  ...['marks', 'events', 'losses', 'targets', 'turn', '.bss'],
]

/** Of a command whose rules come and go. */
export interface Changing {
  /** Whose rules they are. */
  readonly targets: Targets
  /** Path of the socket on which nothing is faulted. */
  readonly control: string | undefined
  /** The object that serves it already, of which this one is to be a part: its programs are at other calls. */
  readonly beside?: OverrideObject | undefined
  /** Programs of those objects that serve calls of all of them. */
  readonly common?: ReadonlySet<string> | undefined
}

type Session = Record<'cgroup' | 'armed', bigint> & Record<'level' | 'pid_level' | 'side', number>

export class OverrideObject {
  readonly #object: BpfObject
  readonly #deciding: readonly string[]
  readonly #routes = new EventRoutes()
  #session: Session = { cgroup: NOWHERE, armed: NOWHERE, level: 0, pid_level: 0, side: 0 }
  #events: RingReader | undefined
  #closed = false

  private constructor(object: BpfObject, deciding: readonly string[]) {
    this.#object = object
    this.#deciding = deciding
  }

  /**
   * Loads what decides, `programs` and those of `places` (by the function each is for), and what follows
   * the processes.
   *
   * @throws {MinderbinderError} MB_LIBBPF, MB_NO_PERMISSION, MB_ATTACH, MB_NO_ENGINE
   */
  static async load(
    context: EngineContext,
    indices: readonly number[],
    programs: readonly string[],
    places: Readonly<Record<string, readonly string[]>>,
  ): Promise<{ object: OverrideObject; first: PlacedRules }> {
    const { rules } = context
    const targeted = indices.some((index) => rules[index]?.targets !== undefined)
    const targets = targeted ? await context.targets?.() : undefined
    const room = {
      rows: context.machine ? RULES_MAX : rules.length,
      sides: context.machine ? SIDES : 1,
      perProcess: countedPerProcess(rules, indices),
    }
    const settings = settingsOf(context, room.perProcess, indices, targets)
    const reuse = targets && { targets: targets.map, turn: targets.turnMap }
    const loading = [...programs, ...followersOf(context), 'mb_self']
    const loaded = await OverrideObject.#load(context, loading, places, { room, settings, reuse })
    try {
      const first = loaded.place(context, indices, targets)
      await loaded.#open(context)
      return { object: loaded, first }
    } catch (error) {
      loaded.close()
      throw error
    }
  }

  /** The same for rules that come and go: none are there yet. */
  static async loadChanging(
    context: EngineContext,
    programs: readonly string[],
    places: Readonly<Record<string, readonly string[]>>,
    { targets, control = '', beside }: Changing,
  ): Promise<OverrideObject> {
    const room = { rows: RULES_MAX, sides: SIDES, perProcess: 0 }
    const settings = settingsOf({ ...context, rules: [] }, 0, [], targets, control)
    const loading = [...programs, ...(beside ? [] : [...followersOf(context, true), 'mb_self'])]
    const reuse = beside
      ? Object.fromEntries(sharedMaps.map((name) => [name, beside.#object.map(name)]))
      : { targets: targets.map, turn: targets.turnMap }
    const loaded = await OverrideObject.#load(context, loading, places, { room, settings, reuse })
    if (beside) return loaded
    try {
      await loaded.#open(context)
      // The command has begun already.
      loaded.#setSession({ ...loaded.#session, armed: loaded.#session.cgroup })
      const { onEvent } = context
      if (onEvent) loaded.#routes.add(0, 2 ** 32, onEvent)
      return loaded
    } catch (error) {
      loaded.close()
      throw error
    }
  }

  static async #load(
    { cgroup, machine, onEvent }: EngineContext,
    programs: readonly string[],
    places: Readonly<Record<string, readonly string[]>>,
    { room, settings, reuse }: LoadOptions,
  ): Promise<OverrideObject> {
    if (!cgroup && !machine)
      throw new MinderbinderError(
        'MB_NO_ENGINE',
        'BPF programs find their target by a cgroup, and none can be made here',
      )
    const { rows, sides, perProcess } = room
    const loading = [...programs, ...Object.keys(places)]
    // A path that was not brought in is counted where it cannot be read.
    const deciding = loading.filter((name) => !notDeciding.test(name))
    const object = await BpfObject.load(readBpfObject('syscall'), {
      name: 'syscall',
      purpose: 'system call faults by BPF',
      programs: loading,
      attachTargets: places,
      maxEntries: {
        rules: rows,
        counts: rows,
        calls: sides * SYSCALLS_MAX,
        process_rules: Math.max(perProcess, 1),
        processes: PROCESSES_MAX,
        process_counts: Math.min(Math.max(perProcess * PROCESSES_MAX, 1), PROCESS_COUNTS_MAX),
        events: onEvent ? EVENT_BUFFER : NO_EVENT_BUFFER,
      },
      ...(reuse && { reuse }),
      rodata: settings,
    })
    return new OverrideObject(object, deciding)
  }

  /**
   * Puts rules where they are found when it is their turn.
   *
   * @param targets the targets' side and rows; without it, those of a command
   */
  place(
    { rules, onEvent }: EngineContext,
    indices: readonly number[],
    targets: Targets | undefined,
  ): PlacedRules {
    const { firstRow, firstSlot } = targets ?? { firstRow: 0, firstSlot: 0 }
    const { calls, processRules } = overrideTables(rules, indices, architecture, firstRow)
    const interfaceIndex = () => 0 // rules of others are not looked at
    const table = encodeRules(rules, { arch: architecture, interfaceIndex, firstSlot })
    const row = (index: number) => table.subarray(index * RULE_SIZE, (index + 1) * RULE_SIZE)
    const object = this.#object
    object.updateAll('rules', new Map(indices.map((index) => [firstRow + index, row(index)])))
    object.updateAll('process_rules', new Map(processRules.map((each, at) => [at, uint32(each)])))
    const firstCall = ((targets?.turn ?? 0) % SIDES) * SYSCALLS_MAX
    object.updateAll('calls', new Map([...calls].map(([nr, each]) => [firstCall + nr, each])))
    const unroute = onEvent ? this.#routes.add(firstSlot, rules.length, onEvent) : () => {}
    return {
      counts: () =>
        new Map(
          indices.map((index) => {
            const bytes = object.lookup('counts', firstRow + index, RULE_COUNTS_SIZE)
            return [index, decodeCounts(bytes)[0]!]
          }),
        ),
      leave: () => {
        if (!this.#closed) {
          this.#events?.drain()
          const none = Buffer.alloc(NAMED_CALL_SIZE)
          object.updateAll('calls', new Map([...calls.keys()].map((nr) => [firstCall + nr, none])))
        }
        unroute()
      },
    }
  }

  /** A rule that comes while the command runs. No call is compared with it before a side of the calls has it. */
  addRule(row: number, slot: Slot, rule: Rule): void {
    const interfaceIndex = () => 0 // of a network rule
    const bytes = encodeRules([rule], { arch: architecture, interfaceIndex, firstSlot: slot })
    this.#object.update('rules', row, bytes)
    this.#object.update('counts', row, Buffer.alloc(RULE_COUNTS_SIZE))
  }

  countsOf(row: number): RuleCounts {
    return decodeCounts(this.#object.lookup('counts', row, RULE_COUNTS_SIZE))[0]!
  }

  /** struct named_call by native number: those that change on this side, which is not in force. */
  setCalls(side: number, calls: ReadonlyMap<number, Buffer>): void {
    const first = side * SYSCALLS_MAX
    this.#object.updateAll('calls', new Map([...calls].map(([nr, each]) => [first + nr, each])))
  }

  /** In force from here on: one store. */
  enforceSide(side: number): void {
    this.#setSession({ ...this.#session, side })
  }

  /** Hands on the events that are there. */
  drain(): void {
    this.#events?.drain()
  }

  /** Descriptor of a program that was asked for, or of mb_exec or mb_exit. */
  program(name: string): number {
    return this.#object.program(name)
  }

  /** From here on nothing of the command is faulted, whatever is attached. For the machine it is TargetTable.lift(). */
  disarm(): void {
    this.#setSession({ ...this.#session, cgroup: NOWHERE, armed: NOWHERE })
  }

  /** Of this object's own programs. */
  async missed(): Promise<bigint> {
    const missed = this.#deciding.map((name) => missedRuns(this.#object.program(name)))
    return (await Promise.all(missed)).reduce((sum, each) => sum + each, 0n)
  }

  async losses(): Promise<Losses> {
    const { losses } = overrideStructs
    const bytes = this.#object.lookup('losses', 0, losses.size)
    return {
      events: losses.read(bytes, 'events'),
      foreignCalls: losses.read(bytes, 'foreign_calls'),
      foreignPrograms: losses.read(bytes, 'foreign_programs'),
      untracked: losses.read(bytes, 'untracked'),
      spared: losses.read(bytes, 'spared'),
      forgotten: losses.read(bytes, 'forgotten'),
      missed: await this.missed(),
    }
  }

  /** Hands on the last events. Idempotent. Detach first, or the last ones are still to come. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#events?.close()
    this.#object.close()
  }

  async #open({ cgroup, onEvent }: EngineContext): Promise<void> {
    const object = this.#object
    if (cgroup) await this.#confine(cgroup)
    else {
      const pid_level = (await testRunHere(object.program('mb_self'))) >>> 16
      this.#setSession({ ...this.#session, pid_level })
    }
    if (onEvent)
      this.#events = await readEvents(object.map('events'), (event) => this.#routes.dispatch(event))
  }

  async #confine(cgroup: ChildCgroup): Promise<void> {
    let pidLevel = 0
    await aim(
      cgroup,
      // `armed` is set by the first exec in the cgroup.
      (cgroup, level) => this.#setSession({ ...this.#session, cgroup, level, pid_level: pidLevel }),
      async () => {
        const self = await testRunHere(this.#object.program('mb_self'))
        pidLevel = self >>> 16
        return self & 0xffff
      },
    )
  }

  #setSession(session: Session): void {
    this.#session = session
    const fields = { ...session, zero: 0, spared: 0 }
    this.#object.update('.bss', 0, overrideStructs.session.encode(fields))
  }
}

interface LoadOptions {
  readonly room: { readonly rows: number; readonly sides: number; readonly perProcess: number }
  readonly settings: Buffer
  readonly reuse: Readonly<Record<string, number>> | undefined
}

/** Programs that a call does not miss anything without, as far as counts go. */
const notDeciding = /^mb_(touch|exec$|fork$|exit$|self$)/

/**
 * The programs that follow processes, `mb_` and what of sched_process_* each is for. On the machine, and if rules come and
 * go, programs that gain privileges are no targets, and bpf/process.bpf.c sees to that.
 */
export function followersOf(context: EngineContext, changes = false): readonly string[] {
  const spares = sparesPrivileged(context) && !changes
  return spares ? ['mb_exec', 'mb_fork', 'mb_exit'] : ['mb_exec', 'mb_exit']
}
