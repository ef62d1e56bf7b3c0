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
import { errorText } from '../error-text.ts'
import { InjectionLog } from '../injection-log.ts'
import { LogFile } from '../log-file.ts'
import { type OutputFile, openOutputs } from '../output-file.ts'
import { writeStderr, writeStdout } from '../standard-streams.ts'
import { dryRun } from './dry-run.ts'
import { terminalsOfNow } from './hung-up.ts'
import { runObservers } from './observers.ts'
import { parseRun, type RunOptions } from './options.ts'
import { planRun, type RunRules } from './plan.ts'
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
  const first = planRun(await readConfig(options.configs), options)
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
  introduce(first, words)
  const session = await MachineSession.open(first, {
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
  files.reporter?.begin(first)
  let report: SessionSnapshot
  let reading = false
  try {
    const stop = await observer.start(() => session.sample())
    try {
      // Whose terminal hangs up gets SIGHUP, too: faults that nobody sees any more shall not stay.
      while ((await signals.next()) === 'reload' && !terminalIsGone()) {
        const planned = plannedAnew(options)
        const next = await Promise.race([planned, signals.ended])
        reading = next === undefined
        if (next) await reload(session, next, options, files, words)
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
    return { rules: planRun(await readConfig(options.configs), options) }
  } catch (error) {
    return { error }
  }
}

/** What the rules before have done is told with the new ones. An invalid file changes nothing, and says why. */
async function reload(
  session: MachineSession,
  planned: Awaited<ReturnType<typeof plannedAnew>>,
  options: RunOptions,
  { output, log, reporter }: Files,
  words: RunWords,
): Promise<void> {
  try {
    if ('error' in planned) throw planned.error
    const next = planned.rules
    const before = withNotes(await session.change(next), log)
    reporter?.replace(before, next)
    introduce(next, words)
    const news = `minderbinder: read again: ${counted(next.rules.length, 'rule')}\n`
    const done = summarize(before, options, output)
    words.say(done === '' ? news : `${news}minderbinder: the rules before:\n${done}`)
  } catch (error) {
    words.say(`${errorText(error, false)}minderbinder: the rules stay as they were\n`)
  }
}

/** What is to be known of the rules before they are in force. */
function introduce({ skipped, warnings }: RunRules, words: RunWords): void {
  words.leaveOut(skipped)
  for (const line of warnings) words.say(`minderbinder: warning: ${line}\n`)
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
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
