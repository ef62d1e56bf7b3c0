/** `minderbinder run CONFIG.yaml...`: argv in, exit status out; watches the machine until it is told to end. */
import { architecture } from '../../kernel/architecture.ts'
import { interfaceName, listInterfaces } from '../../kernel/network/interfaces.ts'
import { together } from '../../observe/observer.ts'
import { oneLine } from '../../report/printable.ts'
import { summary } from '../../report/summary.ts'
import type { Rule } from '../../rules/rule.ts'
import { MachineSession } from '../../session/machine-session.ts'
import type { SessionSnapshot } from '../../session/session.ts'
import { closeFiles } from '../close-files.ts'
import { stderrColour, stderrIsTerminal, terminalColour } from '../colour.ts'
import { readConfig } from '../config-files.ts'
import { InjectionLog } from '../injection-log.ts'
import { LogFile } from '../log-file.ts'
import { type OutputFile, openOutputs } from '../output-file.ts'
import { writeStderr, writeStdout } from '../standard-streams.ts'
import { dryRun } from './dry-run.ts'
import { terminalsOfNow } from './hung-up.ts'
import { runObservers } from './observers.ts'
import { parseRun, type RunOptions } from './options.ts'
import { planRunHere, type RunRules } from './plan.ts'
import { reload, type Told } from './reload.ts'
import { MachineReporter } from './report.ts'
import { RunSignals } from './signals.ts'
import { terminalForGraphs } from './view.ts'
import { RunWords } from './words.ts'

/**
 * @param args what follows `run`
 * @throws {MinderbinderError} it cannot begin @throws {HelpRequest}
 */
export async function runCommand(
  args: readonly string[],
): Promise<{ text: string; status: 0; atOnce?: boolean }> {
  const options = parseRun(args)
  const first = await planRunHere(await readConfig(options.configs), options)
  if (options.dryRun) return { text: await dryRun(first, options), status: 0 }
  const { output, log: logFile, ...more } = await openOutputs(options)
  const reporter = more.report && new MachineReporter(more.report, options)
  const log = logFile && new LogFile(logFile, options.logLimit)
  const signals = new RunSignals()
  let reading = false
  try {
    const watching = watchUntilEnd(first, options, { output, log, reporter }, signals)
    const { report: ended, ...end } = await (reporter?.orFailed(watching) ?? watching)
    reading = end.reading
    const report = withNotes(ended, log)
    reporter?.ended(report)
    const told = summarize(report, options, output)
    writeStderr(told)
    // The graphs are gone: what they came to stays where they were.
    const seen = told !== '' && stderrIsTerminal()
    if (!seen && !options.quiet && terminalForGraphs(options))
      writeStdout(summaryOf(report, options.seed, terminalColour()))
  } finally {
    signals.close()
  }
  closeFiles([log, output, more.report])
  return { text: '', status: 0, atOnce: reading }
}

/** What the user has named. */
interface Files {
  readonly output: OutputFile | undefined
  readonly log: LogFile | undefined
  readonly reporter: MachineReporter | undefined
}

async function watchUntilEnd(
  first: RunRules,
  options: RunOptions,
  files: Files,
  signals: RunSignals,
): Promise<{ report: SessionSnapshot; reading: boolean }> {
  const { log } = files
  if (log) await listInterfaces() // so that the log knows their names
  const terminalIsGone = terminalsOfNow()
  const words = new RunWords(process.stderr.isTTY === true)
  const observer = together(runObservers(options, words, () => signals.give('end')))
  words.introduce(first)
  const opening = { add: first.rules, engines: first.engines }
  const session = await MachineSession.open(opening, {
    seed: options.seed,
    includeLoader: options.includeLoader,
    includeSetuid: options.includeSetuid,
    watched: observer,
    onNotice: (text) => words.say(`minderbinder: ${oneLine(text)}\n`),
    listener:
      log &&
      ((rules: readonly Rule[]) => {
        const injections = new InjectionLog(log, rules, options.seed, interfaceName)
        return (event) => injections.add(event)
      }),
  })
  let report: SessionSnapshot
  let reading = false
  try {
    await session.start()
    files.reporter?.begin(first)
    const stop = await observer.start(() => session.sample())
    try {
      // A terminal that hangs up sends SIGHUP, too: faults that no user sees any more must not stay.
      while ((await signals.next()) === 'reload' && !terminalIsGone()) {
        const planned = plannedAnew(options)
        const next = await Promise.race([planned, signals.ended])
        reading = next === undefined
        if (next) await reload(session, next, words, toldOfReload(options, files))
      }
    } finally {
      await stop()
    }
  } finally {
    report = await session.close()
  }
  return { report, reading }
}

/** The rules that are in the files now, or why they are none. Waits as long as a file does (a FIFO, say). */
async function plannedAnew(options: RunOptions): Promise<{ rules: RunRules } | { error: unknown }> {
  try {
    return { rules: await planRunHere(await readConfig(options.configs), options) }
  } catch (error) {
    return { error }
  }
}

function toldOfReload(options: RunOptions, { output, log, reporter }: Files): Told {
  const withLog = (before: SessionSnapshot) => withNotes(before, log)
  return {
    replaced: (before, next) => reporter?.replace(before && withLog(before), next),
    summary: (before) => summarize(withLog(before), options, output),
  }
}

/** Writes the summary to its file, where there is one. Returns what of it is for standard error. */
function summarize(
  report: SessionSnapshot,
  { quiet, seed }: RunOptions,
  output: OutputFile | undefined,
): string {
  output?.write(summaryOf(report, seed, 0))
  return output || quiet ? '' : summaryOf(report, seed, stderrColour())
}

/** With what the log has to say of itself. */
function withNotes(report: SessionSnapshot, log: LogFile | undefined): SessionSnapshot {
  return { ...report, notes: [...report.notes, ...(log?.notes() ?? [])] }
}

function summaryOf(report: SessionSnapshot, seed: bigint, colour: 0 | 1): string {
  return summary({ ...report, seed, arch: architecture, colour })
}
