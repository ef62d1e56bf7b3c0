/** A set of rules in a table of targets: it has a side there (bpf/target.bpf.h) until it ends. */
import type { BpfObject } from '../kernel/bpf/object.ts'
import { uint32 } from '../kernel/bpf/uint32.ts'
import { sparedNotes } from '../report/spared-notes.ts'
import { decodeRuleSet, encodeRuleSet, targetKinds } from '../rules/encode.ts'
import { startOfMatches } from '../rules/glob.ts'
import type { Rule, Slot } from '../rules/rule.ts'
import { numberStruct, type TargetGroups } from './groups.ts'
import {
  encodeTargetProcess,
  PROCESSES_MAX,
  SIDE_SHIFT,
  TICK_NS,
  targetKey,
  targetProcess,
  writeTargetProcess,
} from './limits.ts'
import { processStructs } from './process-structs.ts'
import { remembered } from './remembered.ts'
import type { TargetEntry, Targets } from './target.ts'

export interface TargetSetPlace {
  readonly rules: readonly Rule[]
  readonly groups: TargetGroups
  /** Row of the first rule: the others follow it. */
  readonly firstRow: number
  /** And its slot. */
  readonly firstSlot: Slot
  readonly side: number
  /** What the map `turn` says while the rules are in force. */
  readonly turn: number
  readonly roomForGlobs: number
  /** How many starts and ends of processes were not seen since it was asked last. */
  readonly missed: () => Promise<bigint>
  /** Its side is free. */
  readonly onEnd: () => void
}

/** A target that ran before the set began, and those of its rules that it has from its parents. */
export interface RunningTarget extends TargetEntry {
  readonly inherited: readonly number[]
}

export class TargetSet implements Targets {
  readonly #object: BpfObject
  readonly #place: TargetSetPlace
  /** Process ids of those that ran before it began, and would be targets had they not gained privileges. */
  readonly #spared = new Set<number>()
  #names: Buffer[] = []
  #numbers: Buffer[] = []
  #ended = false

  constructor(object: BpfObject, place: TargetSetPlace) {
    this.#object = object
    this.#place = place
    this.#clear() // of what a program may have left that was still running when the set before ended
    this.#fill()
  }

  get firstRow(): number {
    return this.#place.firstRow
  }

  get firstSlot(): Slot {
    return this.#place.firstSlot
  }

  get turn(): number {
    return this.#place.turn
  }

  get map(): number {
    return this.#object.map('targets')
  }

  get turnMap(): number {
    return this.#object.map('turn')
  }

  /** From here on execs, forks and exits are seen. */
  follow(): void {
    this.#object.update('sides', this.#place.side, this.#begun())
  }

  /** On the machine: from here on its rules are in force, and no others. */
  enforce(): void {
    this.#object.update('turn', 0, uint32(this.turn))
  }

  /** None are, where they still were. */
  lift(): void {
    if (this.#object.lookup('turn', 0, 4).readUInt32LE(0) === this.turn)
      this.#object.update('turn', 0, uint32(0))
  }

  /**
   * Processes that ran before follow(), all at once: until then no program puts any in. The caller looks afterwards
   * whether each still is the same process in the same program, and forgets it if not.
   */
  addFirst(targets: readonly RunningTarget[]): void {
    const setOf = remembered(encodeRuleSet)
    const { size } = targetProcess
    const keys = targets.map(({ pid }) => targetKey(pid, this.#place.side))
    const values = Buffer.alloc(targets.length * size)
    for (const [at, { birth, rules, inherited }] of targets.entries()) {
      const value = values.subarray(at * size, (at + 1) * size)
      writeTargetProcess(value, birth, setOf(rules), setOf(inherited))
    }
    this.#object.updateMany('targets', keys, values)
  }

  /** The same after follow(). Nothing happens to one that the table has already: what the kernel saw is newer. */
  addAll(targets: readonly RunningTarget[]): void {
    const setOf = remembered(encodeRuleSet)
    for (const { pid, birth, rules, inherited } of targets) {
      const value = encodeTargetProcess(birth, setOf(rules), setOf(inherited))
      this.#object.putNew('targets', this.#key(pid), value)
    }
  }

  /** Removes a process that was added and is a target no more, unless the kernel has put it in again. */
  forget({ pid, birth }: TargetEntry): void {
    const found = this.#object.get('targets', this.#key(pid), targetProcess.size)
    const isOurs = found?.readBigUInt64LE(8) === birth * TICK_NS
    if (isOurs && found?.readBigUInt64LE(0) === birth)
      this.#object.remove('targets', this.#key(pid))
  }

  /** Running processes that are no targets only because they have gained privileges: for the notes. */
  spare(pids: readonly number[]): void {
    for (const pid of pids) this.#spared.add(pid)
  }

  /**
   * How many are in it now, and the youngest of them, the very youngest first. A process that comes or goes meanwhile
   * may be missing.
   */
  youngest(limit: number): { readonly count: number; readonly youngest: readonly TargetEntry[] } {
    const all = this.#entries().map(([key, value]) => ({
      pid: this.#pid(key),
      birth: value.readBigUInt64LE(0),
      value,
    }))
    const youngest = all
      .sort((a, b) => Number(b.birth - a.birth) || b.pid - a.pid)
      .slice(0, limit)
      .map(({ pid, birth, value }) => ({
        pid,
        birth,
        rules: decodeRuleSet(value.subarray(targetProcess.rules)),
      }))
    return { count: all.length, youngest }
  }

  /** What a reader of the summary must know, once, before the set ends. `spared`: of programs that were, too. */
  async notes(wanted: { readonly spared: boolean }): Promise<string[]> {
    const { side } = processStructs
    const bytes = this.#object.lookup('sides', this.#place.side, side.size)
    const untracked = side.read(bytes, 'untracked')
    const spared = side.read(bytes, 'spared') + BigInt(this.#spared.size)
    const lines: [bigint, string][] = [
      [
        untracked,
        `processes bypassed the rules: more than ${PROCESSES_MAX} were targets at a time`,
      ],
      [await this.#place.missed(), 'starts and ends of processes were not seen'],
    ]
    return [
      ...(wanted.spared ? sparedNotes(spared, ['program', 'programs']) : []),
      ...lines.flatMap(([count, text]) => (count === 0n ? [] : [`${count} ${text}`])),
    ]
  }

  /** Nobody is followed for it any more, and its side is free. Idempotent. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    const { side } = processStructs
    this.lift()
    this.#object.update('sides', this.#place.side, Buffer.alloc(side.size))
    for (const key of this.#names.splice(0)) this.#object.remove('names', key)
    for (const key of this.#numbers.splice(0)) this.#object.remove('numbers', key)
    this.#clear()
    this.#place.onEnd()
  }

  #fill(): void {
    const { groups, side, roomForGlobs } = this.#place
    const { names, globs, numbers } = groups
    for (const [text, indices] of names) {
      const key = processStructs.name.encode({
        side: BigInt(side),
        text: Buffer.from(text, 'latin1'),
      })
      this.#object.put('names', key, this.#rows(indices))
      this.#names.push(key)
    }
    for (const [at, [pattern, indices]] of [...globs].entries())
      this.#object.update(
        'globs',
        side * roomForGlobs + at,
        Buffer.concat([
          Buffer.from(pattern, 'latin1'),
          ...startOfMatches(pattern),
          this.#rows(indices),
        ]),
      )
    for (const [number, indices] of numbers) {
      const key = Buffer.from(number, 'latin1')
      numberStruct.write(key, { side })
      this.#object.put('numbers', key, this.#rows(indices))
      this.#numbers.push(key)
    }
  }

  #begun(): Buffer {
    const { rules, groups } = this.#place
    const kinds = new Set(
      [...groups.numbers.keys()].map((key) =>
        numberStruct.read(Buffer.from(key, 'latin1'), 'kind'),
      ),
    )
    const chosen = (which: (rule: Rule) => boolean) =>
      this.#rows(rules.flatMap((rule, index) => (which(rule) ? [index] : [])))
    return processStructs.side.encode({
      active: 1,
      globs: groups.globs.size,
      uids: Number(kinds.has(targetKinds.uid)),
      cgroups: Number(kinds.has(targetKinds.cgroup)),
      untracked: 0n,
      spared: 0n,
      inherited: chosen((rule) => rule.targets !== undefined && rule.inherit !== false),
      everyone: chosen((rule) => rule.targets === undefined),
    })
  }

  /** Takes out all processes. */
  #clear(): void {
    for (const [key] of this.#entries()) this.#object.remove('targets', key)
  }

  /** The processes that it has: key and value. */
  #entries(): (readonly [Buffer, Buffer])[] {
    const { side } = this.#place
    return this.#object
      .entries('targets', 4, targetProcess.size)
      .filter(([key]) => key.readUInt32LE(0) >>> SIDE_SHIFT === side)
  }

  #key(pid: number): Buffer {
    return uint32(targetKey(pid, this.#place.side))
  }

  #pid(key: Buffer): number {
    return (key.readUInt32LE(0) & ~(1 << SIDE_SHIFT)) >>> 0
  }

  #rows(indices: readonly number[]): Buffer {
    return encodeRuleSet(indices.map((index) => this.#place.firstRow + index))
  }
}
