/** bpf/process.bpf.o at work: it follows who is a target, and says so to the programs that do something about it. */
import { closeSync } from 'node:fs'
import { aim } from '../kernel/bpf/aim.ts'
import { readBpfObject } from '../kernel/bpf/file.ts'
import { attachRawTracepoint } from '../kernel/bpf/link.ts'
import { BpfObject } from '../kernel/bpf/object.ts'
import { missedRuns } from '../kernel/bpf/program.ts'
import { struct } from '../kernel/bpf/struct.ts'
import { testRunHere } from '../kernel/bpf/test-run.ts'
import { uint32 } from '../kernel/bpf/uint32.ts'
import type { ChildCgroup } from '../kernel/cgroup/cgroup.ts'
import { sparedNotes } from '../report/spared-notes.ts'
import {
  decodeRuleSet,
  encodeRuleSet,
  encodeTargets,
  RULE_SET_SIZE,
  targetKinds,
} from '../rules/encode.ts'
import type { Rule } from '../rules/rule.ts'
import { cgroupId } from './cgroup-id.ts'
import { startOfMatches } from './glob.ts'
import { groupTargets, numberStruct } from './groups.ts'
import { encodeTargetProcess, PROCESSES_MAX, TICK_NS, targetProcess } from './limits.ts'
import type { TargetEntry } from './target.ts'

/** Structures of bpf/process.bpf.c. */
export const processStructs = {
  settings: struct({
    globs: 'u32',
    uids: 'u32',
    cgroups: 'u32',
    own: 'u32',
    tree: 'u32',
    spares: 'u32',
    inherited: RULE_SET_SIZE,
    everyone: RULE_SET_SIZE,
  }),
  session: struct({
    cgroup: 'u64',
    level: 'u32',
    padding: 'u32',
    untracked: 'u64',
    spared: 'u64',
  }),
  number: numberStruct,
}

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
    const untracked = processStructs.session.read(session, 'untracked')
    const spared = processStructs.session.read(session, 'spared') + BigInt(this.#spared.size)
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
    processStructs.session.write(bytes, { cgroup, level })
    this.#object.update('.bss', 0, bytes)
  }

  #session(): Buffer {
    return this.#object.lookup('.bss', 0, processStructs.session.size)
  }
}

function settingsOf(
  rules: readonly Rule[],
  { cgroup, own, includeSetuid }: TargetScope,
  globs: number,
  numbers: ReadonlyMap<string, unknown>,
): Buffer {
  const kinds = new Set([...numbers.keys()].map((key) => key.charCodeAt(0)))
  const chosen = (which: (rule: Rule) => boolean) =>
    encodeRuleSet(rules.flatMap((rule, index) => (which(rule) ? [index] : [])))
  return processStructs.settings.encode({
    globs,
    uids: kinds.has(targetKinds.uid) ? 1 : 0,
    cgroups: kinds.has(targetKinds.cgroup) ? 1 : 0,
    own,
    tree: cgroup ? 1 : 0,
    spares: includeSetuid ? 0 : 1,
    inherited: chosen((rule) => rule.targets !== undefined && rule.inherit !== false),
    everyone: chosen((rule) => rule.targets === undefined),
  })
}
