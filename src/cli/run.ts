/** `minderbinder run CONFIG.yaml...`: argv in, exit status out; watches the machine until it is told to end. */
import { engineNames } from '../engines/choose.ts'
import { interfaceName, listInterfaces } from '../kernel/interfaces.ts'
import { summary } from '../report/summary.ts'
import { MachineSession } from '../session/machine-session.ts'
import type { EngineTotals } from '../session/totals.ts'
import { stderrColour } from './colour.ts'
import { readConfig } from './config-files.ts'
import { dryRun } from './dry-run.ts'
import { errorText } from './error-text.ts'
import { InjectionLog } from './injection-log.ts'
import { OutputFile } from './output-file.ts'
import { parseRun, type RunOptions } from './run-options.ts'
import { planRun, type RunRules } from './run-plan.ts'
import { RunSignals } from './run-signals.ts'
import { writeStderr } from './standard-streams.ts'

/**
 * @param args what follows `run`
 * @throws {MinderbinderError} it cannot begin @throws {HelpRequest}
 */
export async function runCommand(args: readonly string[]): Promise<{ text: string; status: 0 }> {
  const options = parseRun(args)
  const first = planRun(await readConfig(options.configs), options)
  if (options.dryRun) return { text: dryRun(first.rules), status: 0 }
  const output = options.output === undefined ? undefined : new OutputFile(options.output)
  const log = options.log === undefined ? undefined : new OutputFile(options.log)
  await listInterfaces() // so that the log knows their names
  const signals = new RunSignals()
  let watch = await Watch.open(first, options, log)
  try {
    for (;;) {
      if ((await signals.next()) === 'end') break
      watch = await reload(watch, options, log)
    }
  } finally {
    const totals = await watch.close()
    signals.close()
    const text = (colour: 0 | 1) => summaryOf(watch.plan, totals, options.seed, colour)
    if (output) output.write(text(0))
    else if (!options.quiet) writeStderr(text(stderrColour()))
    output?.close()
    log?.close()
  }
  return { text: '', status: 0 }
}
