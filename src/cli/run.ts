/** `minderbinder run CONFIG.yaml...`: argv in, exit status out; watches the machine until it is told to end. */
import { architecture } from '../kernel/architecture.ts'
import { interfaceName, listInterfaces } from '../kernel/interfaces.ts'
import { hintsFor } from '../report/hints.ts'
import { oneLine } from '../report/printable.ts'
import { summary } from '../report/summary.ts'
import type { Rule } from '../rules/rule.ts'
import { together } from '../session/observers.ts'
import { RunSignals } from '../watch/signals.ts'
import { Watch, type WatchReport } from '../watch/watch.ts'
import { stderrColour } from './colour.ts'
import { readConfig } from './config-files.ts'
import { dryRun } from './dry-run.ts'
import { errorText } from './error-text.ts'
import { InjectionLog } from './injection-log.ts'
import { type OutputFile, type Outputs, openOutputs } from './output-file.ts'
import { runObservers } from './run-observers.ts'
import { parseRun, type RunOptions } from './run-options.ts'
import { planRun, type RunRules } from './run-plan.ts'
import { RunWords } from './run-words.ts'
import { writeStderr } from './standard-streams.ts'
import { terminalsOfNow } from './terminal-use.ts'

/**
 * @param args what follows `run`
 * @throws {MinderbinderError} it cannot begin @throws {HelpRequest}
 */
export async function runCommand(args: readonly string[]): Promise<{ text: string; status: 0 }> {
  const options = parseRun(args)
  const first = planRun(await readConfig(options.configs), options)
  if (options.dryRun) return { text: await dryRun(first.rules), status: 0 }
  const { output, log } = await openOutputs(options)
  const signals = new RunSignals()
  try {
    const report = await watchUntilEnd(first, options, { output, log }, signals)
    writeStderr(summarize(report, options, output))
  } finally {
    signals.close()
  }
  log?.close()
  output?.close()
  return { text: '', status: 0 }
}

async function watchUntilEnd(
  first: RunRules,
  options: RunOptions,
  { output, log }: Outputs,
  signals: RunSignals,
): Promise<WatchReport> {
  if (log) await listInterfaces() // so that the log knows their names
  const terminalIsGone = terminalsOfNow()
  const words = new RunWords(process.stderr.isTTY === true)
  const observers = runObservers(options, words, () => signals.give('end'))
  const observer = together(observers)
  const injections: InjectionLog[] = []
  saySkipped(first, words)
  const watch = await Watch.open(first, {
    ...{ seed: options.seed, includeLoader: options.includeLoader },
    wantsInjections: observer.wantsInjections,
    onNotice: (text) => words.say(`minderbinder: ${oneLine(text)}\n`),
    wantsCalls: observers.some(({ wantsCalls }) => wantsCalls),
    listener:
      log &&
      ((rules: readonly Rule[]) => {
        const lines = new InjectionLog(log, rules, options.seed, interfaceName)
        injections.push(lines)
        return (event) => lines.add(event)
      }),
  })
  let report: WatchReport
  try {
    const stop = await observer.start(() => watch.sample())
    try {
      // Whose terminal hangs up gets SIGHUP, too: faults that nobody sees any more shall not stay.
      while ((await signals.next()) === 'reload' && !terminalIsGone())
        await reload(watch, options, output, words)
    } finally {
      await stop()
    }
  } finally {
    report = await watch.close()
    for (const lines of injections) lines.flush()
  }
  return report
}

/** What the rules before have done is told with the new ones. An invalid file changes nothing, and says why. */
async function reload(
  watch: Watch,
  options: RunOptions,
  output: OutputFile | undefined,
  words: RunWords,
): Promise<void> {
  try {
    const next = planRun(await readConfig(options.configs), options)
    const before = await watch.replace(next)
    saySkipped(next, words)
    const news = `minderbinder: read again: ${counted(next.rules.length, 'rule')}\n`
    const done = summarize(before, options, output)
    words.say(done === '' ? news : `${news}minderbinder: the rules before:\n${done}`)
  } catch (error) {
    words.say(`${errorText(error, false)}minderbinder: the rules stay as they were\n`)
  }
}

function saySkipped({ skipped }: RunRules, words: RunWords): void {
  for (const line of skipped) words.say(`minderbinder: left out: ${line}\n`)
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** Writes the summary to its file, where there is one. Returns what of it is for standard error. */
function summarize(
  report: WatchReport,
  { quiet, seed }: RunOptions,
  output: OutputFile | undefined,
): string {
  output?.write(summaryOf(report, seed, 0))
  return output || quiet ? '' : summaryOf(report, seed, stderrColour())
}

function summaryOf({ rules, engines, totals }: WatchReport, seed: bigint, colour: 0 | 1): string {
  return summary({
    rules: rules.map((rule, index) => ({
      ...{ rule, engine: engines[index] ?? '', counts: totals.counts[index]! },
    })),
    ...{ seed, lostEvents: totals.lostEvents, foreignCalls: totals.foreignCalls },
    ...{ notes: totals.notes, hintFor: hintsFor(rules, totals.counts, architecture), colour },
  })
}
