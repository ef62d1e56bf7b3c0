/** bpf/syscall.bpf.o, loaded for some rules of a plan, and for those of plans that follow it. */
import { MinderbinderError } from '../../errors.ts'
import { architecture } from '../../kernel/architecture.ts'
import { aim } from '../../kernel/bpf/aim.ts'
import { type RingReader, readEvents } from '../../kernel/bpf/events.ts'
import { readBpfObject } from '../../kernel/bpf/file.ts'
import { BpfObject } from '../../kernel/bpf/object.ts'
import { missedRuns } from '../../kernel/bpf/program.ts'
import { struct } from '../../kernel/bpf/struct.ts'
import { testRunHere } from '../../kernel/bpf/test-run.ts'
import { uint32 } from '../../kernel/bpf/uint32.ts'
import type { ChildCgroup } from '../../kernel/cgroup/cgroup.ts'
import {
  decodeCounts,
  encodeRuleSet,
  encodeRules,
  RULE_COUNTS_SIZE,
  RULE_SET_SIZE,
  RULE_SIZE,
  RULES_MAX,
  SYSCALLS_MAX,
} from '../../rules/encode.ts'
import type { Rule } from '../../rules/rule.ts'
import { PROCESSES_MAX, SIDES } from '../../targets/limits.ts'
import type { Targets } from '../../targets/target.ts'
import type { EngineContext } from '../engine.ts'
import { EventRoutes } from '../event-routes.ts'
import type { PlacedRules } from './placed-rules.ts'
import { dependsOnAge, NAMED_CALL_SIZE, overrideTables } from './tables.ts'

/** Counters of scope=process, one for each process and rule: 64 bytes each where all are used. */
const PROCESS_COUNTS_MAX = 1_048_576
const EVENT_BUFFER = 1024 * 1024
/** A ring buffer has at least a page, which on arm64 may be 64 KiB. */
const NO_EVENT_BUFFER = 64 * 1024
/** No cgroup has this id. */
const NOWHERE = 2n ** 64n - 1n

/** Structures of bpf/syscall.bpf.c. */
export const overrideStructs = {
  settings: struct({
    seed: 'u64',
    process_rules: 'u32',
    arm64: 'u32',
    wants_events: 'u32',
    exempts_loader: 'u32',
    tracks_processes: 'u32',
    targeted: 'u32',
    machine: 'u32',
    turn: 'u32',
    spares: 'u32',
    user: 'u32',
    group: 'u32',
    padding: 'u32',
    everyone: RULE_SET_SIZE,
  }),
  session: struct({
    cgroup: 'u64',
    armed: 'u64',
    level: 'u32',
    pid_level: 'u32',
    zero: 'u32',
    spared: 'u32',
  }),
  losses: struct({
    events: 'u64',
    foreign_calls: 'u64',
    foreign_programs: 'u64',
    untracked: 'u64',
    spared: 'u64',
    forgotten: 'u64',
  }),
}

/** struct losses, and what the kernel says of the programs */
export interface Losses {
  readonly events: bigint
  readonly foreignCalls: bigint
  readonly foreignPrograms: bigint
  readonly untracked: bigint
  /** Programs that gained privileges. */
  readonly spared: bigint
  /** Processes of those that there was no room to remember: nothing has been faulted since. */
  readonly forgotten: bigint
  /** Calls that were made while a program for the same call was interrupted on the same CPU. */
  readonly missed: bigint
}

export class OverrideObject {
  readonly #object: BpfObject
  readonly #deciding: readonly string[]
  readonly #routes = new EventRoutes()
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
    const { rules, cgroup, machine, onEvent } = context
    if (!cgroup && !machine)
      throw new MinderbinderError(
        'MB_NO_ENGINE',
        'BPF programs find their target by a cgroup, and none can be made here',
      )
    const targeted = indices.some((index) => rules[index]?.targets !== undefined)
    const targets = targeted ? await context.targets?.() : undefined
    const perProcess = countedPerProcess(rules, indices)
    const rows = machine ? RULES_MAX : rules.length
    const loading = [...programs, ...Object.keys(places)]
    // A path that was not brought in is counted where it cannot be read.
    const deciding = loading.filter((name) => !name.startsWith('mb_touch'))
    const object = await BpfObject.load(readBpfObject('syscall'), {
      name: 'syscall',
      purpose: 'system call faults by BPF',
      programs: [...loading, ...followersOf(context).map((name) => `mb_${name}`), 'mb_self'],
      attachTargets: places,
      maxEntries: {
        rules: rows,
        counts: rows,
        calls: (machine ? SIDES : 1) * SYSCALLS_MAX,
        process_rules: Math.max(perProcess, 1),
        processes: PROCESSES_MAX,
        process_counts: Math.min(Math.max(perProcess * PROCESSES_MAX, 1), PROCESS_COUNTS_MAX),
        events: onEvent ? EVENT_BUFFER : NO_EVENT_BUFFER,
      },
      ...(targets && { reuse: { targets: targets.map, turn: targets.turnMap } }),
      rodata: settingsOf(context, perProcess, indices, targets),
    })
    const loaded = new OverrideObject(object, deciding)
    try {
      const first = loaded.place(context, indices, targets)
      await loaded.#open(context)
      return { object: loaded, first }
    } catch (error) {
      loaded.close()
      throw error
    }
  }

  /**
   * Puts rules where they are found when it is their turn.
   *
   * @param targets whose side and rows they have; without it, those of a command
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

  /** Descriptor of a program that was asked for, or of mb_exec or mb_exit. */
  program(name: string): number {
    return this.#object.program(name)
  }

  /** From here on nothing of the command is faulted, whoever is attached. For the machine it is TargetTable.lift(). */
  disarm(): void {
    this.#setSession(NOWHERE, 0)
  }

  async losses(): Promise<Losses> {
    const { losses } = overrideStructs
    const bytes = this.#object.lookup('losses', 0, losses.size)
    const missed = this.#deciding.map((name) => missedRuns(this.#object.program(name)))
    return {
      events: losses.read(bytes, 'events'),
      foreignCalls: losses.read(bytes, 'foreign_calls'),
      foreignPrograms: losses.read(bytes, 'foreign_programs'),
      untracked: losses.read(bytes, 'untracked'),
      spared: losses.read(bytes, 'spared'),
      forgotten: losses.read(bytes, 'forgotten'),
      missed: (await Promise.all(missed)).reduce((sum, each) => sum + each, 0n),
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
    else this.#setSession(NOWHERE, 0, (await testRunHere(object.program('mb_self'))) >>> 16)
    if (onEvent)
      this.#events = await readEvents(object.map('events'), (event) => this.#routes.dispatch(event))
  }

  async #confine(cgroup: ChildCgroup): Promise<void> {
    let pidLevel = 0
    await aim(
      cgroup,
      (id, level) => this.#setSession(id, level, pidLevel),
      async () => {
        const self = await testRunHere(this.#object.program('mb_self'))
        pidLevel = self >>> 16
        return self & 0xffff
      },
    )
  }

  /** `armed` is set by the first exec in the cgroup. */
  #setSession(cgroup: bigint, level: number, pidLevel = 0): void {
    const fields = { cgroup, armed: NOWHERE, level, pid_level: pidLevel, zero: 0, spared: 0 }
    this.#object.update('.bss', 0, overrideStructs.session.encode(fields))
  }
}

/**
 * The programs that follow processes, by what of sched_process_* each is for. On the machine, programs that gain
 * privileges are no targets, and bpf/process.bpf.c sees to that.
 */
export function followersOf(context: EngineContext): readonly ('exec' | 'fork' | 'exit')[] {
  return sparesPrivileged(context) ? ['exec', 'fork', 'exit'] : ['exec', 'exit']
}

/** How many of the rules have scope=process: what there is room for. */
export function countedPerProcess(rules: readonly Rule[], indices: readonly number[]): number {
  return indices.filter((index) => {
    const rule = rules[index]
    return rule?.kind === 'syscall' && rule.scope === 'process'
  }).length
}

function sparesPrivileged({ machine, includeSetuid }: EngineContext): boolean {
  return !machine && !includeSetuid
}

function settingsOf(
  context: EngineContext,
  perProcess: number,
  indices: readonly number[],
  targets: Targets | undefined,
): Buffer {
  const { rules, seed, includeLoader, machine, user, onEvent } = context
  const spares = sparesPrivileged(context)
  const needsAge = indices.some((index) => dependsOnAge(rules[index]!))
  return overrideStructs.settings.encode({
    seed: BigInt.asUintN(64, seed),
    process_rules: perProcess,
    arm64: Number(architecture === 'arm64'),
    wants_events: Number(onEvent !== undefined),
    exempts_loader: Number(!includeLoader),
    tracks_processes: Number(needsAge || !includeLoader || spares),
    targeted: Number(targets !== undefined),
    machine: Number(machine === true),
    turn: targets?.turn ?? 0,
    spares: Number(spares),
    user: user?.uid ?? 0,
    group: user?.gid ?? 0,
    everyone: encodeRuleSet(indices.filter((index) => rules[index]?.targets === undefined)),
  })
}
