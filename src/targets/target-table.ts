/** bpf/process.bpf.o at work: it keeps track of targets for the programs that fault them. */
import { closeSync } from 'node:fs'
import { aim } from '../kernel/bpf/aim.ts'
import { readBpfObject } from '../kernel/bpf/file.ts'
import { attachRawTracepoint } from '../kernel/bpf/link.ts'
import { BpfObject } from '../kernel/bpf/object.ts'
import { missedRuns } from '../kernel/bpf/program.ts'
import { testRunHere } from '../kernel/bpf/test-run.ts'
import type { ChildCgroup } from '../kernel/cgroup/cgroup.ts'
import { encodeTargets, RULES_MAX } from '../rules/encode.ts'
import type { Rule, Slot } from '../rules/rule.ts'
import { CallerTargets } from './caller-targets.ts'
import { cgroupId } from './cgroup-id.ts'
import { groupTargets, type TargetGroups } from './groups.ts'
import { PROCESSES_MAX, SIDES } from './limits.ts'
import { processStructs } from './process-structs.ts'
import { CHANGES_MAX, RunningProcesses } from './running.ts'
import { TargetSet } from './target-set.ts'

export interface TargetScope {
  /** Only processes in this cgroup; undefined: the whole machine. */
  readonly cgroup: ChildCgroup | undefined
  /** Process id that is never a target; 0: none is spared. */
  readonly own: number
  /** Programs that gain privileges by their exec are as others. */
  readonly includeSetuid: boolean
  /** On the machine: whose rules are in force until others are. */
  readonly before?: TargetTable | undefined
}

/** How much of each a set of rules may have: keys of maps. */
type Room = Readonly<Record<keyof TargetGroups, number>>

/** On the machine, for the rules that may follow the first ones. Globs take their memory at once. */
const MACHINE_ROOM: Room = { names: RULES_MAX, globs: 256, numbers: RULES_MAX }

const programs = ['mb_target_exec', 'mb_target_fork', 'mb_target_exit'] as const

export class TargetTable {
  readonly #object: BpfObject
  /** What tells its turns from those of other tables. */
  readonly #number: number
  readonly #room: Room
  #links: number[] = []
  /** Sides without a set of rules. */
  readonly #free = Array.from({ length: SIDES }, (_, side) => side)
  /** What runs, for those that look for targets. */
  readonly running = new RunningProcesses(() => this.#changes())
  /** How many rules it has had: none gets the row of another. */
  #rules = 0
  /** One for all tables that follow each other: none of their rules gets the number of another. */
  readonly #slots: { next: Slot }
  /** Of the starts and ends of processes that were not seen, those that have been told. */
  #missed = 0n

  private constructor(object: BpfObject, room: Room, before: TargetTable | undefined) {
    this.#object = object
    this.#room = room
    this.#number = before ? before.#number + 1 : 1
    this.#slots = before ? before.#slots : { next: 0 }
  }

  /**
   * Follows no process yet: a set that it begins does. A command's table has room for `first`, the machine's for others
   * after them.
   *
   * @throws {MinderbinderError} MB_LIBBPF, MB_NO_PERMISSION, MB_ATTACH, MB_CGROUP
   */
  static async open(first: readonly Rule[], scope: TargetScope): Promise<TargetTable> {
    const { cgroup, own, includeSetuid, before } = scope
    const sides = cgroup ? 1 : SIDES
    const room = roomFor(
      groupsOf(first),
      cgroup ? { names: 1, globs: 1, numbers: 1 } : MACHINE_ROOM,
    )
    const object = await BpfObject.load(readBpfObject('process'), {
      name: 'process',
      purpose: 'faults for some processes only',
      programs: [...programs, 'mb_target_self'],
      maxEntries: {
        targets: sides * PROCESSES_MAX,
        names: sides * room.names,
        globs: sides * room.globs,
        numbers: sides * room.numbers,
      },
      ...(before && { reuse: { turn: before.turnMap } }),
      rodata: processStructs.settings.encode({
        own,
        tree: cgroup ? 1 : 0,
        spares: includeSetuid ? 0 : 1,
        globs: room.globs,
      }),
    })
    const table = new TargetTable(object, room, before)
    try {
      if (cgroup) await table.#confine(cgroup)
      for (const name of programs)
        table.#links.push(
          await attachRawTracepoint(
            object.program(name),
            name.replace('mb_target', 'sched_process'),
          ),
        )
      return table
    } catch (error) {
      table.close()
      throw error
    }
  }

  /** Descriptor of the map `targets`. */
  get map(): number {
    return this.#object.map('targets')
  }

  /** Descriptor of the map `turn`. */
  get turnMap(): number {
    return this.#object.map('turn')
  }

  /** @throws {MinderbinderError} MB_CGROUP */
  hasRoomFor(rules: readonly Rule[]): boolean {
    const groups = groupsOf(rules)
    return (
      this.#rules + rules.length <= RULES_MAX &&
      (['names', 'globs', 'numbers'] as const).every(
        (kind) => groups[kind].size <= this.#room[kind],
      )
    )
  }

  /**
   * To follow the targets of these rules, from its follow() on, beside those that are in force: of two sets one has to
   * end before a third begins.
   *
   * @throws {MinderbinderError} MB_CGROUP
   */
  begin(rules: readonly Rule[]): TargetSet {
    const groups = groupsOf(rules)
    const side = this.#free.shift()
    if (side === undefined) throw new Error('a third set of rules')
    const [firstRow, firstSlot] = [this.#rules, this.#slots.next]
    this.#rules += rules.length
    this.#slots.next += rules.length
    return new TargetSet(this.#object, {
      ...{ rules, groups, firstRow, firstSlot, side },
      turn: this.#number * SIDES + side,
      roomForGlobs: this.#room.globs,
      missed: () => this.#newlyMissed(),
      onEnd: () => this.#free.push(side),
    })
  }

  /**
   * Follows the processes of rules that come and go. No set of rules begins beside it.
   *
   * @param own on the machine, as in TargetScope; undefined: it is a command's
   */
  beginForCallers(includeSetuid: boolean, own?: number): CallerTargets {
    const turn = this.#number * SIDES
    return new CallerTargets(this.#object, { running: this.running, turn, includeSetuid, own })
  }

  /** Idempotent. */
  close(): void {
    for (const link of this.#links.splice(0)) closeSync(link)
    this.#object.close()
  }

  /** Only the cgroup's processes. */
  async #confine(cgroup: ChildCgroup): Promise<void> {
    await aim(
      cgroup,
      (id, level) =>
        this.#object.update('.bss', 0, processStructs.session.encode({ cgroup: id, level })),
      () => testRunHere(this.#object.program('mb_target_self')),
    )
  }

  #changes(): Uint32Array {
    const bytes = this.#object.lookup('changes', 0, 4 * CHANGES_MAX)
    return new Uint32Array(bytes.buffer, bytes.byteOffset, CHANGES_MAX)
  }

  /** Starts and ends of processes that were not seen since it was asked last. */
  async #newlyMissed(): Promise<bigint> {
    const missed = await Promise.all(programs.map((name) => missedRuns(this.#object.program(name))))
    const all = missed.reduce((sum, each) => sum + each, 0n)
    const since = all - this.#missed
    this.#missed = all
    return since
  }
}

function groupsOf(rules: readonly Rule[]): TargetGroups {
  return groupTargets(encodeTargets(rules, cgroupId))
}

function roomFor({ names, globs, numbers }: TargetGroups, least: Room): Room {
  return {
    names: Math.max(names.size, least.names),
    globs: Math.max(globs.size, least.globs),
    numbers: Math.max(numbers.size, least.numbers),
  }
}
