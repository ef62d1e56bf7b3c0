/** `run --report FILE`: what each set of rules did while it was in force. */
import { architecture } from '../../kernel/architecture.ts'
import { monotonicMs } from '../../kernel/monotonic.ts'
import { addReplaced, noneReplaced } from '../../report/replaced.ts'
import {
  failedPeriod,
  type MachineReport,
  machineReport,
  type PeriodReport,
  periodReport,
  reportText,
} from '../../report/run-report.ts'
import type { SessionSnapshot } from '../../session/session.ts'
import { failedEnd } from '../failed-end.ts'
import type { OutputFile } from '../output-file.ts'
import type { RunOptions } from './options.ts'
import type { RunRules } from './plan.ts'

export class MachineReporter {
  readonly #file: OutputFile
  readonly #options: Pick<RunOptions, 'configs' | 'seed'>
  #replaced = noneReplaced
  #skipped: readonly string[] = []
  #began = now()

  constructor(file: OutputFile, options: Pick<RunOptions, 'configs' | 'seed'>) {
    this.#file = file
    this.#options = options
  }

  /** From now on these rules are in force. */
  begin({ skipped }: Pick<RunRules, 'skipped'>): void {
    this.#skipped = skipped
    this.#began = now()
  }

  /** From now on `next` are in force. @param before what the rules until now did; undefined: that is not known */
  replace(before: SessionSnapshot | undefined, next: Pick<RunRules, 'skipped'>): void {
    const period = before ? this.#period(before) : this.#unknownPeriod()
    this.#replaced = addReplaced(this.#replaced, period)
    this.begin(next)
  }

  ended(report: SessionSnapshot): void {
    this.#write({ kind: 'ended' }, this.#period(report))
  }

  /** As `watching`; if that fails, the report says so. */
  async orFailed<T>(watching: Promise<T>): Promise<T> {
    try {
      return await watching
    } catch (error) {
      this.#write(failedEnd(error), failedPeriod(this.#times()))
      throw error
    }
  }

  #write(end: MachineReport['end'], period: PeriodReport): void {
    const { configs, seed } = this.#options
    const run = { files: configs, seed, ...this.#replaced }
    this.#file.write(reportText(machineReport(run, end, period)))
  }

  #period(done: SessionSnapshot): PeriodReport {
    const notes = [...this.#skipped.map((rule) => `left out: ${rule}`), ...done.notes]
    return periodReport({ ...done, notes }, this.#times(), architecture)
  }

  #unknownPeriod(): PeriodReport {
    return { ...failedPeriod(this.#times()), notes: ['what these rules did is not known'] }
  }

  #times() {
    return { startedAt: this.#began.at, durationMs: monotonicMs() - this.#began.ms }
  }
}

function now() {
  return { at: new Date(), ms: monotonicMs() }
}
