/** The processes that run, and which rules name each. */
import type { Rule } from '../rules/rule.ts'
import { type Candidate, namingOf } from './match.ts'
import { birthOf, processIds, processInfo } from './process-info.ts'

/** Processes that are looked at in one go: anything else, a signal that ends us, has to wait for that long. */
const AT_ONCE = 200

export class RunningProcesses {
  readonly #naming: ReturnType<typeof namingOf>
  #known = new Map<number, Candidate>()

  constructor(rules: readonly Rule[]) {
    this.#naming = namingOf(rules)
  }

  /**
   * As of now. What was looked at before is not looked at again: what it has become by an exec since, the kernel side
   * has seen.
   */
  async look(): Promise<Candidate[]> {
    const now = new Map<number, Candidate>()
    for (const [at, pid] of processIds().entries()) {
      if (at % AT_ONCE === AT_ONCE - 1) await new Promise((resolve) => setImmediate(resolve))
      const before = this.#known.get(pid)
      const candidate = before && before.process.birth === birthOf(pid) ? before : this.#lookAt(pid)
      if (candidate) now.set(pid, candidate)
    }
    this.#known = now
    return [...now.values()]
  }

  /** It is looked at again next time. */
  forget(pid: number): void {
    this.#known.delete(pid)
  }

  #lookAt(pid: number): Candidate | undefined {
    const process = processInfo(pid)
    return process && { process, named: this.#naming(process) }
  }
}
