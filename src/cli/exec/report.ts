/** `exec --report FILE`: what became of the command and its faults. */
import { architecture } from '../../kernel/architecture.ts'
import { monotonicMs } from '../../kernel/monotonic.ts'
import { Abandoned } from '../../launch/front.ts'
import type { CommandRun } from '../../report/run-report.ts'
import type { Rule } from '../../rules/rule.ts'
import type { CommandResult } from '../../session/run-command.ts'
import { failedEnd } from '../failed-end.ts'
import type { OutputFile } from '../output-file.ts'

export class ExecReport {
  readonly #file: OutputFile
  readonly #run: CommandRun
  readonly #began = { at: new Date(), ms: monotonicMs() }

  constructor(file: OutputFile, run: CommandRun) {
    this.#file = file
    this.#run = run
  }

  /** As `session`; if that fails, the report says so. */
  async orFailed<T>(session: Promise<T>): Promise<T> {
    try {
      return await session
    } catch (error) {
      if (!(error instanceof Abandoned)) await this.#failed(error)
      throw error
    }
  }

  async write(rules: readonly Rule[], result: CommandResult): Promise<void> {
    const { commandEnd, periodReport, reportText, runReport } = await parts()
    const period = periodReport({ ...result, rules }, result, architecture)
    this.#file.write(reportText(runReport(this.#run, commandEnd(result.end), period)))
  }

  /** What cannot be written now goes unsaid: why there was no run is what the user must hear of. */
  async #failed(error: unknown): Promise<void> {
    const { failedPeriod, reportText, runReport } = await parts()
    const { at, ms } = this.#began
    const period = failedPeriod({ startedAt: at, durationMs: monotonicMs() - ms })
    this.#file.write(reportText(runReport(this.#run, failedEnd(error), period)))
  }
}

/** Imported here: a start does not wait for it. */
const parts = () => import('../../report/run-report.ts')
