/** bpf/stats.bpf.o at work: what the target processes call, and how often they leave a CPU. Changes nothing. */
import { close as closeFile } from 'node:fs'
import { promisify } from 'node:util'
import { MinderbinderError } from '../errors.ts'
import { architecture } from '../kernel/architecture.ts'
import { aim } from '../kernel/bpf/aim.ts'
import { readBpfObject } from '../kernel/bpf/file.ts'
import { loadLibbpf } from '../kernel/bpf/libbpf.ts'
import { attachRawTracepoint } from '../kernel/bpf/link.ts'
import { BpfObject } from '../kernel/bpf/object.ts'
import { struct } from '../kernel/bpf/struct.ts'
import { testRunHere } from '../kernel/bpf/test-run.ts'
import type { ChildCgroup } from '../kernel/cgroup/cgroup.ts'
import type { CallActivity } from '../report/activity.ts'
import { CALLS_SIZE, countsByCall } from './call-counts.ts'

/** Who is counted. */
export type Counted =
  /** Whoever is in this cgroup, or below it: `exec`. */
  | { readonly cgroup: ChildCgroup }
  /** Whoever is in the map of bpf/target.bpf.h while its side is in force: `run`. By descriptors. */
  | { readonly targets: number; readonly turn: number }

const tracepoints = { mb_sys_exit: 'sys_exit', mb_sched_switch: 'sched_switch' } as const

/** Structures of bpf/stats.bpf.c, where struct call_counts is two u64. */
export const statsStructs = {
  settings: struct({ by_cgroup: 'u32', arm64: 'u32' }),
  session: struct({ cgroup: 'u64', level: 'u32', padding: 'u32' }),
  calls: struct({ by_number: CALLS_SIZE }),
}

const closeLink = promisify(closeFile)

export class TargetStatistics {
  readonly #object: BpfObject
  readonly #cpus: number
  readonly #links: number[] = []
  #last: CallActivity | undefined

  private constructor(object: BpfObject, cpus: number) {
    this.#object = object
    this.#cpus = cpus
  }

  /**
   * Counts from now on. Until close() each system call of the whole machine takes a little longer: the kernel
   * leaves its short way out of them while anybody traces sys_exit.
   *
   * @throws {MinderbinderError} MB_LIBBPF, MB_NO_PERMISSION, MB_ATTACH; then nothing stays attached
   */
  static async open(counted: Counted): Promise<TargetStatistics> {
    const libbpf = await loadLibbpf()
    const object = await BpfObject.load(readBpfObject('stats'), {
      name: 'stats',
      purpose: 'statistics of the target processes',
      programs: [...Object.keys(tracepoints), ...('cgroup' in counted ? ['mb_level'] : [])],
      maxEntries: {},
      ...('targets' in counted && { reuse: { targets: counted.targets, turn: counted.turn } }),
      rodata: statsStructs.settings.encode({
        by_cgroup: Number('cgroup' in counted),
        arm64: Number(architecture === 'arm64'),
      }),
    })
    const statistics = new TargetStatistics(object, libbpf.possibleCpus())
    try {
      if ('cgroup' in counted) await statistics.#aim(counted.cgroup)
      for (const [program, tracepoint] of Object.entries(tracepoints)) {
        statistics.#links.push(await attachRawTracepoint(object.program(program), tracepoint))
      }
      return statistics
    } catch (error) {
      await statistics.close()
      throw error
    }
  }

  /** Since open(); the last numbers, once closed. */
  read(): CallActivity {
    if (this.#last) return this.#last
    const calls = countsByCall(this.#perCpu('calls', statsStructs.calls.size), architecture)
    const sum = (counts: readonly bigint[]) => counts.reduce((total, each) => total + each, 0n)
    return {
      succeeded: sum(calls.map(({ succeeded }) => succeeded)),
      failed: sum(calls.map(({ failed }) => failed)),
      contextSwitches: sum([...this.#perCpu('context_switches', 8)]),
      byCall: calls,
    }
  }

  /** The only value of a map, once for each CPU. */
  #perCpu(map: string, size: number): BigUint64Array {
    const bytes = this.#object.lookup(map, 0, size * this.#cpus)
    return new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8)
  }

  /** Idempotent. */
  async close(): Promise<void> {
    if (this.#last) return
    for (const link of this.#links.splice(0)) await closeLink(link)
    this.#last = this.read()
    this.#object.close()
  }

  async #aim(cgroup: ChildCgroup): Promise<void> {
    await aim(
      cgroup,
      (id, level) => this.#setSession(id, level),
      () => testRunHere(this.#object.program('mb_level')),
    )
  }

  #setSession(cgroup: bigint, level: number): void {
    this.#object.update('.bss', 0, statsStructs.session.encode({ cgroup, level }))
  }
}

/** Without them there is less to see, and the reason is shown in their place. */
export async function openStatistics(
  counted: Counted,
): Promise<TargetStatistics | { readonly missing: string }> {
  try {
    return await TargetStatistics.open(counted)
  } catch (error) {
    if (!(error instanceof MinderbinderError)) throw error
    return { missing: error.code === 'MB_NO_PERMISSION' ? 'this needs root' : error.message }
  }
}
