/** bpf/syscall.bpf.o, loaded for some rules of a plan. */
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
  encodeRuleSet,
  encodeRules,
  RULE_COUNTS_SIZE,
  RULE_SIZE,
} from '../../rules/encode.ts'
import type { RuleCounts } from '../../rules/rule.ts'
import { PROCESSES_MAX } from '../../targets/limits.ts'
import type { Targets } from '../../targets/target.ts'
import type { EngineContext } from '../engine.ts'
import { type OverrideTables, overrideTables } from './tables.ts'

/** Counters of scope=process, one for each process and rule: 64 bytes each where all are used. */
const PROCESS_COUNTS_MAX = 1_048_576
const EVENT_BUFFER = 1024 * 1024
/** A ring buffer has at least a page, which on arm64 may be 64 KiB. */
const NO_EVENT_BUFFER = 64 * 1024
/** No cgroup has this id. */
const NOWHERE = 2n ** 64n - 1n

/** struct losses */
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
  readonly #indices: readonly number[]
  readonly #deciding: readonly string[]
  readonly #tables: OverrideTables
  #events: RingReader | undefined
  #closed = false

  private constructor(
    object: BpfObject,
    indices: readonly number[],
    deciding: readonly string[],
    tables: OverrideTables,
  ) {
    this.#object = object
    this.#indices = indices
    this.#deciding = deciding
    this.#tables = tables
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
  ): Promise<OverrideObject> {
    const { rules, cgroup, machine, onEvent } = context
    if (!cgroup && !machine)
      throw new MinderbinderError(
        'MB_NO_ENGINE',
        'override finds its target by a cgroup, and none can be made here',
      )
    const tables = overrideTables(rules, indices, architecture)
    const targeted = indices.some((index) => rules[index]?.targets !== undefined)
    const targets = targeted ? await context.targets?.() : undefined
    const loading = [...programs, ...Object.keys(places)]
    // A path that was not brought in is counted where it cannot be read.
    const deciding = loading.filter((name) => !name.startsWith('mb_touch'))
    const object = await BpfObject.load(readBpfObject('syscall'), {
      name: 'syscall',
      purpose: 'system call faults by override',
      programs: [...loading, ...followersOf(context).map((name) => `mb_${name}`), 'mb_self'],
      attachTargets: places,
      maxEntries: {
        rules: rules.length,
        counts: rules.length,
        process_rules: Math.max(tables.processRules.length, 1),
        processes: PROCESSES_MAX,
        process_counts: Math.min(
          Math.max(tables.processRules.length * PROCESSES_MAX, 1),
          PROCESS_COUNTS_MAX,
        ),
        events: onEvent ? EVENT_BUFFER : NO_EVENT_BUFFER,
      },
      ...(targets && { reuse: { targets: targets.map, turn: targets.turnMap } }),
      rodata: settingsOf(context, tables, indices, targets),
    })
    const loaded = new OverrideObject(object, indices, deciding, tables)
    try {
      await loaded.#fill(context)
      return loaded
    } catch (error) {
      loaded.close()
      throw error
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

  /** By rule index. */
  counts(): Map<number, RuleCounts> {
    return new Map(
      this.#indices.map((index) => {
        const bytes = this.#object.lookup('counts', index, RULE_COUNTS_SIZE)
        return [index, decodeCounts(bytes)[0]!]
      }),
    )
  }

  async losses(): Promise<Losses> {
    const bytes = this.#object.lookup('losses', 0, 48)
    const field = (index: number) => bytes.readBigUInt64LE(8 * index)
    const missed = this.#deciding.map((name) => missedRuns(this.#object.program(name)))
    return {
      events: field(0),
      foreignCalls: field(1),
      foreignPrograms: field(2),
      untracked: field(3),
      spared: field(4),
      forgotten: field(5),
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

  async #fill({ rules, cgroup, onEvent }: EngineContext): Promise<void> {
    const interfaceIndex = () => 0 // rules of others are not looked at
    const table = encodeRules(rules, { arch: architecture, interfaceIndex })
    const row = (index: number) => table.subarray(index * RULE_SIZE, (index + 1) * RULE_SIZE)
    const object = this.#object
    object.updateAll('rules', new Map(this.#indices.map((index) => [index, row(index)])))
    const { processRules } = this.#tables
    object.updateAll('process_rules', new Map(processRules.map((index, at) => [at, uint32(index)])))
    object.updateAll('calls', this.#tables.calls)
    if (cgroup) await this.#confine(cgroup)
    else this.#setSession(NOWHERE, 0, (await testRunHere(object.program('mb_self'))) >>> 16)
    if (onEvent) this.#events = await readEvents(object.map('events'), onEvent)
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

  /** struct session; `armed` is set by the first exec in the cgroup. */
  #setSession(cgroup: bigint, level: number, pidLevel = 0): void {
    const bytes = Buffer.alloc(32)
    bytes.writeBigUInt64LE(cgroup, 0)
    bytes.writeBigUInt64LE(NOWHERE, 8)
    bytes.writeUInt32LE(level, 16)
    bytes.writeUInt32LE(pidLevel, 20)
    this.#object.update('.bss', 0, bytes)
  }
}

/**
 * The programs that follow processes, by what of sched_process_* each is for. On the machine, programs that gain
 * privileges are no targets, and bpf/process.bpf.c sees to that.
 */
export function followersOf(context: EngineContext): readonly ('exec' | 'fork' | 'exit')[] {
  return sparesPrivileged(context) ? ['exec', 'fork', 'exit'] : ['exec', 'exit']
}

function sparesPrivileged({ machine, includeSetuid }: EngineContext): boolean {
  return !machine && !includeSetuid
}

/** struct settings */
function settingsOf(
  context: EngineContext,
  { processRules }: OverrideTables,
  indices: readonly number[],
  targets: Targets | undefined,
): Buffer {
  const { rules, seed, includeLoader, machine, user, onEvent } = context
  const spares = sparesPrivileged(context)
  const needsAge = indices.some((index) => (rules[index]?.afterNs ?? 0n) > 0n)
  const bytes = Buffer.alloc(56)
  bytes.writeBigUInt64LE(BigInt.asUintN(64, seed), 0)
  const fields = [
    processRules.length,
    architecture === 'arm64',
    onEvent !== undefined,
    !includeLoader,
    needsAge || !includeLoader || spares,
    targets !== undefined,
    machine === true,
    targets?.turn ?? 0,
    spares,
    user?.uid ?? 0,
    user?.gid ?? 0,
  ]
  for (const [at, field] of fields.entries()) bytes.writeUInt32LE(Number(field), 8 + 4 * at)
  const everyone = indices.filter((index) => rules[index]?.targets === undefined)
  return Buffer.concat([bytes, encodeRuleSet(everyone)])
}
