/** bpf/process.bpf.o at work: it follows who is a target, and says so to the programs that do something about it. */
import { closeSync } from 'node:fs'
import { aim } from '../kernel/bpf/aim.ts'
import { readBpfObject } from '../kernel/bpf/file.ts'
import { attachRawTracepoint } from '../kernel/bpf/link.ts'
import { BpfObject } from '../kernel/bpf/object.ts'
import { missedRuns } from '../kernel/bpf/program.ts'
import { testRunHere } from '../kernel/bpf/test-run.ts'
import { uint32 } from '../kernel/bpf/uint32.ts'
import type { ChildCgroup } from '../kernel/cgroup/cgroup.ts'
import { sparedNotes } from '../report/spared-notes.ts'
import {
  decodeRuleSet,
  encodeRuleSet,
  encodeTargets,
  TARGET_SIZE,
  targetKinds,
  targetOffsets,
} from '../rules/encode.ts'
import type { Rule } from '../rules/rule.ts'
import { cgroupId } from './cgroup-id.ts'
import { startOfMatches } from './glob.ts'
import {
  encodeTargetProcess,
  PROCESSES_MAX,
  TARGET_NAME_MAX,
  TICK_NS,
  targetProcess,
} from './limits.ts'
import type { TargetEntry } from './target.ts'

export interface TargetScope {
  /** Only processes in this cgroup; undefined: the whole machine. */
  readonly cgroup: ChildCgroup | undefined
  /** Process id that is never a target; 0: none is spared. */
  readonly own: number
  /** Programs that gain privileges by their exec are as others. */
  readonly includeSetuid: boolean
  /** On the machine: whose rules are in force until enforce(). */
  readonly before?: TargetTable | undefined
}

export class TargetTable {
  readonly #object: BpfObject
  /** Of its rules: see `turn` in bpf/target.bpf.h. */
  readonly turn: number
  #links: number[] = []
  /** Process ids of those that ran before this was opened, and would be targets had they not gained privileges. */
  readonly #spared = new Set<number>()

  private constructor(object: BpfObject, turn: number) {
    this.#object = object
    this.turn = turn
  }

  /**
   * From here on who execs, forks and exits is seen.
   *
   * @throws {MinderbinderError} MB_LIBBPF, MB_NO_PERMISSION, MB_ATTACH, MB_CGROUP
   */
  static async open(rules: readonly Rule[], scope: TargetScope): Promise<TargetTable> {
    const { names, globs, numbers } = groupTargets(encodeTargets(rules, cgroupId))
    const object = await BpfObject.load(readBpfObject('process'), {
      name: 'process',
      purpose: 'faults for some processes only',
      programs: ['mb_target_exec', 'mb_target_fork', 'mb_target_exit', 'mb_target_self'],
      maxEntries: {
        targets: PROCESSES_MAX,
        names: Math.max(names.size, 1),
        globs: Math.max(globs.size, 1),
        numbers: Math.max(numbers.size, 1),
      },
      ...(scope.before && { reuse: { turn: scope.before.turnMap } }),
      rodata: settingsOf(rules, scope, globs.size, numbers),
    })
    const table = new TargetTable(object, (scope.before?.turn ?? 0) + 1)
    try {
      for (const [name, indices] of names)
        object.put('names', Buffer.from(name, 'latin1'), encodeRuleSet(indices))
      for (const [at, [pattern, indices]] of [...globs].entries())
        object.update(
          'globs',
          at,
          Buffer.concat([
            Buffer.from(pattern, 'latin1'),
            ...startOfMatches(pattern),
            encodeRuleSet(indices),
          ]),
        )
      for (const [key, indices] of numbers)
        object.put('numbers', Buffer.from(key, 'latin1'), encodeRuleSet(indices))
      if (scope.cgroup) await table.#confine(scope.cgroup)
      for (const event of ['exit', 'fork', 'exec'] as const)
        table.#links.push(
          await attachRawTracepoint(object.program(`mb_target_${event}`), `sched_process_${event}`),
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
   * A process that ran before this was opened. Nothing happens where the table has it already: what the kernel
   * saw is newer. The caller looks afterwards whether it still is the same process in the same program, and forgets it
   * if not.
   *
   * @param inherited those of its rules that it has from its parents
   */
  add({ pid, birth, rules }: TargetEntry, inherited: readonly number[]): void {
    this.#object.putNew('targets', uint32(pid), encodeTargetProcess(birth, rules, inherited))
  }

  /** Takes a process out that was added and is none any more, unless the kernel has put it in anew. */
  forget({ pid, birth }: TargetEntry): void {
    const found = this.#object.get('targets', uint32(pid), targetProcess.size)
    const isOurs = found?.readBigUInt64LE(8) === birth * TICK_NS
    if (isOurs && found?.readBigUInt64LE(0) === birth) this.#object.remove('targets', uint32(pid))
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
    const all = this.#object.keys('targets', 4).flatMap((key) => {
      const value = this.#object.get('targets', key, targetProcess.size)
      if (!value) return []
      return [{ pid: key.readUInt32LE(0), birth: value.readBigUInt64LE(0), value }]
    })
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

  /** What a reader of the summary must know. `spared`: of programs that were, too. */
  async notes(wanted: { readonly spared: boolean }): Promise<string[]> {
    const session = this.#session()
    const untracked = session.readBigUInt64LE(16)
    const spared = session.readBigUInt64LE(24) + BigInt(this.#spared.size)
    const programs = ['mb_target_exec', 'mb_target_fork', 'mb_target_exit']
    const missed = await Promise.all(programs.map((name) => missedRuns(this.#object.program(name))))
    const lines: [bigint, string][] = [
      [
        untracked,
        `processes went past the rules: more than ${PROCESSES_MAX} were targets at a time`,
      ],
      [missed.reduce((sum, each) => sum + each, 0n), 'starts and ends of processes were not seen'],
    ]
    return [
      ...(wanted.spared ? sparedNotes(spared, ['program', 'programs']) : []),
      ...lines.flatMap(([count, text]) => (count === 0n ? [] : [`${count} ${text}`])),
    ]
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
      (id, level) => this.#setSession(id, level),
      () => testRunHere(this.#object.program('mb_target_self')),
    )
  }

  #setSession(cgroup: bigint, level: number): void {
    const bytes = this.#session()
    bytes.writeBigUInt64LE(cgroup, 0)
    bytes.writeUInt32LE(level, 8)
    this.#object.update('.bss', 0, bytes)
  }

  /** struct session: u64 cgroup; u32 level, padding; u64 untracked, spared. */
  #session(): Buffer {
    return this.#object.lookup('.bss', 0, 32)
  }
}

interface TargetGroups {
  /** Rule indices by name, zero-padded (latin1: one character a byte). */
  readonly names: Map<string, number[]>
  readonly globs: Map<string, number[]>
  /** By the bytes of struct number. */
  readonly numbers: Map<string, number[]>
}

/** struct target[] by what is looked up, since many rules may be for the same. */
function groupTargets(targets: Buffer): TargetGroups {
  const groups: TargetGroups = { names: new Map(), globs: new Map(), numbers: new Map() }
  for (let at = 0; at < targets.length; at += TARGET_SIZE) {
    const row = targets.subarray(at, at + TARGET_SIZE)
    const rule = row.readUInt32LE(targetOffsets.rule)
    const kind = row.readUInt32LE(targetOffsets.kind)
    const name = row.toString('latin1', targetOffsets.name, targetOffsets.name + TARGET_NAME_MAX)
    if (kind === targetKinds.name) add(groups.names, name, rule)
    else if (kind === targetKinds.glob) add(groups.globs, name, rule)
    // A process id is looked up once, by whoever adds what is running.
    else if (kind !== targetKinds.pid) add(groups.numbers, numberKey(row, kind), rule)
  }
  return groups
}

function add(to: Map<string, number[]>, key: string, rule: number): void {
  const rules = to.get(key)
  if (rules) rules.push(rule)
  else to.set(key, [rule])
}

/** struct number: u32 kind, padding; u64 value. */
function numberKey(row: Buffer, kind: number): string {
  const key = Buffer.alloc(16)
  key.writeUInt32LE(kind, 0)
  row.copy(key, 8, targetOffsets.value, targetOffsets.value + 8)
  return key.toString('latin1')
}

/** `settings`: u32 globs, uids, cgroups, own, tree, spares; struct rule_set inherited, everyone. */
function settingsOf(
  rules: readonly Rule[],
  { cgroup, own, includeSetuid }: TargetScope,
  globs: number,
  numbers: ReadonlyMap<string, unknown>,
): Buffer {
  const kinds = new Set([...numbers.keys()].map((key) => key.charCodeAt(0)))
  const fields = [
    globs,
    kinds.has(targetKinds.uid) ? 1 : 0,
    kinds.has(targetKinds.cgroup) ? 1 : 0,
    own,
    cgroup ? 1 : 0,
    includeSetuid ? 0 : 1,
  ]
  const chosen = (which: (rule: Rule) => boolean) =>
    encodeRuleSet(rules.flatMap((rule, index) => (which(rule) ? [index] : [])))
  return Buffer.concat([
    Buffer.from(Uint32Array.from(fields).buffer),
    chosen((rule) => rule.targets !== undefined && rule.inherit !== false),
    chosen((rule) => rule.targets === undefined),
  ])
}
