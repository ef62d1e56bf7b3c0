/** `minderbinder exec`: argv in, how to end out. */
import { closeSync } from 'node:fs'
import { assignEngines, engineInstead } from '../engines/choose.ts'
import { engines } from '../engines/engines.ts'
import { exitStatus, MinderbinderError } from '../errors.ts'
import { architecture } from '../kernel/architecture.ts'
import { hintsFor } from '../report/hints.ts'
import { summary } from '../report/summary.ts'
import type { Rule } from '../rules/rule.ts'
import { printable } from '../rules/span.ts'
import { type Finish, type Launcher, launcherFds } from '../session/launcher.ts'
import type { Observer, Plan, SessionResult } from '../session/plan.ts'
import { runSession } from '../session/session.ts'
import { lookUpUser } from '../session/user.ts'
import { closeOthers } from './caller-descriptors.ts'
import { stderrColour } from './colour.ts'
import { addExecOptions, type ExecOptions } from './exec-options.ts'
import { allRules, type Faults } from './faults.ts'
import { InjectionLog } from './injection-log.ts'
import { openOutputs } from './output-file.ts'
import { newCommand, parseArguments } from './parse.ts'
import { writeStderr } from './standard-streams.ts'

/**
 * @param args what follows `exec`
 * @throws {MinderbinderError} the command did not run, or not to its end
 * @throws {HelpRequest}
 */
export async function exec(args: readonly string[], launcher: Launcher): Promise<Finish> {
  const { faults, options, command } = parseExec(args)
  const rules = await allRules(faults, { filesOnly: true })
  const observer = await observerOf(options, command, launcher)
  const assigned = assignEngines(rules, engines, options.engine)
  const { output, log: logFile } = await launcher.orAbandoned(openOutputs(options))
  // Of what the launcher handed over, and of standard output, which was for --help.
  closeOthers(new Set([output?.fd ?? 0, logFile?.fd ?? 0]))
  const log = logFile && new InjectionLog(logFile, rules, options.seed, await interfaceNames(rules))
  const plan: Plan = {
    rules,
    seed: options.seed,
    engines: assigned,
    engineInstead: (failed, indices) =>
      engineInstead(
        failed,
        indices.map((index) => rules[index]!),
        engines,
        options.engine,
      ),
    argvIndex: 1 + args.length - command.length, // `exec` itself is argument 0
    command: command[0]!,
    user: options.user === undefined ? undefined : await lookUpUser(options.user),
    includeLoader: options.includeLoader,
    onEvent: log && ((event) => log.add(event)),
    observer,
  }
  const result = await runSession(plan, launcher)
  // Not made where nobody reads it: its hints build every family, two milliseconds.
  // What only the graphs did not show is missing nowhere.
  const told = log ? result : { ...result, lostEvents: 0n }
  const text = (colour: 0 | 1) => summarize(plan, told, colour)
  if (output) output.write(text(0))
  else if (!options.quiet) writeStderr(text(stderrColour()))
  log?.close()
  output?.close()
  return endLikeChild(rules, result, options)
}

/** Who looks on while the command runs; closes the terminal where nobody does. */
async function observerOf(
  options: ExecOptions,
  command: readonly string[],
  launcher: Launcher,
): Promise<Observer | undefined> {
  if (!options.graph) closeSync(launcherFds.terminal)
  if (!options.graph && options.metrics === undefined) return undefined
  const { execObserver } = await import('./exec-observer.ts')
  return execObserver(options, command, launcher)
}

/** Imported here: a start without network rules does not wait for it. */
async function interfaceNames(
  rules: readonly Rule[],
): Promise<(index: number) => string | undefined> {
  if (rules.every(({ kind }) => kind === 'syscall')) return () => undefined
  const { interfaceName, listInterfaces } = await import('../kernel/interfaces.ts')
  await listInterfaces()
  return interfaceName
}

function parseExec(args: readonly string[]): {
  faults: Faults
  options: ExecOptions
  command: readonly string[]
} {
  const parser = newCommand('exec')
  const read = addExecOptions(parser)
  parser.usage('[FAULT]... [OPTION]... [--] COMMAND [ARG]...').argument('[command...]')
  parseArguments(parser, args)
  const command = parser.args
  if (command.length === 0)
    throw new MinderbinderError('MB_USAGE', 'exec: no command was given', {
      hint: 'minderbinder exec --syscall openat=ENOENT -- cat /etc/hostname',
    })
  return { ...read(), command }
}

function summarize(
  { rules, seed }: Plan,
  { counts, engines: names, lostEvents, foreignCalls, notes }: SessionResult,
  colour: 0 | 1 | 2 | 3,
): string {
  if (rules.length === 0) return 'minderbinder: no fault was given: the command ran as it is\n'
  return summary({
    rules: rules.map((rule, index) => ({
      rule,
      engine: names[index] ?? '',
      counts: counts[index]!,
    })),
    seed,
    lostEvents,
    foreignCalls,
    notes,
    hintFor: hintsFor(rules, counts, architecture),
    colour,
  })
}

function endLikeChild(
  rules: readonly Rule[],
  { end, counts }: SessionResult,
  { requireHit }: ExecOptions,
): Finish {
  if (end.kind === 'killed') return { kind: 'signal', signal: end.signal }
  const missed = rules.filter((_, index) => counts[index]?.fired === 0n)
  if (end.status !== 0 || !requireHit || missed.length === 0)
    return { kind: 'exit', status: end.status }
  // Said even with --quiet: else nobody could tell why a command that succeeded fails.
  const labels = missed.map(({ label }) => printable(label)).join(', ')
  writeStderr(`minderbinder: --require-hit: never fired: ${labels}\n`)
  return { kind: 'exit', status: exitStatus.notHit }
}
