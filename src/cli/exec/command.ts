/** `minderbinder exec`: argv in, how to end out. */
import { closeSync } from 'node:fs'
import { planEngines } from '../../engines/choose.ts'
import { engines } from '../../engines/engines.ts'
import { exitStatus, MinderbinderError } from '../../errors.ts'
import { architecture } from '../../kernel/architecture.ts'
import { type Finish, type Front, launcherFds } from '../../launch/front.ts'
import type { Observer } from '../../observe/observer.ts'
import type { OuterPlan } from '../../outer/plan.ts'
import { summary } from '../../report/summary.ts'
import { groupByExpression, labelOfAll } from '../../rules/expression.ts'
import type { Rule } from '../../rules/rule.ts'
import { printable } from '../../rules/span.ts'
import type { CommandPlan } from '../../session/plan.ts'
import { type CommandResult, runCommand } from '../../session/run-command.ts'
import { closeOthers } from '../caller-descriptors.ts'
import { closeFiles } from '../close-files.ts'
import { stderrColour, stderrIsTerminal, terminalColour } from '../colour.ts'
import { allRules, type Faults } from '../faults.ts'
import { InjectionLog } from '../injection-log.ts'
import { LogFile } from '../log-file.ts'
import { openOutputs } from '../output-file.ts'
import { parseArguments } from '../parse.ts'
import { writeStderr } from '../standard-streams.ts'
import { writeAfterView } from '../terminal-use.ts'
import type { ControlledRun } from './controlled-run.ts'
import { type ExecOptions, execParser } from './options.ts'
import { ExecReport } from './report.ts'
import { lookUpUser } from './user.ts'

/**
 * @param args what follows `exec`
 * @throws {MinderbinderError} the command did not run, or not to its end
 * @throws {HelpRequest}
 */
export async function exec(args: readonly string[], front: Front): Promise<Finish> {
  const { faults, options, command } = parseExec(args)
  const rules = await allRules(faults, { filesOnly: true })
  const observer = await observerOf(options, command, front)
  const outer = await outerPlan(rules, options, command[0]!)
  const control =
    options.control === undefined || outer
      ? undefined
      : await controlled(options, rules, command[0]!)
  const planned =
    outer?.planned ??
    control?.planned ??
    planEngines(rules, engines, { option: options.engine, command: command[0] })
  const user = options.user === undefined ? undefined : await lookUpUser(options.user)
  const { output, log: logFile, ...more } = await front.orAbandoned(openOutputs(options))
  // Of what the launcher handed over, and of standard output, which was for --help.
  closeOthers(new Set([output?.fd ?? 0, logFile?.fd ?? 0, more.report?.fd ?? 0]))
  const report = more.report && new ExecReport(more.report, { command, seed: options.seed })
  const log = logFile && new LogFile(logFile, options.logLimit)
  const injections = log && new InjectionLog(log, rules, options.seed, await interfaceNames(rules))
  const plan: CommandPlan = {
    rules,
    seed: options.seed,
    ...planned,
    control: control !== undefined,
    scope: control?.scope,
    argvIndex: 1 + args.length - command.length, // `exec` itself is argument 0
    command: command[0]!,
    user,
    includeLoader: options.includeLoader,
    includeSetuid: options.includeSetuid,
    onEvent: injections && ((event) => injections.add(event)),
    onClientEvent: control && ((event) => control.injected(event)),
  }
  const session = runCommand(plan, observer, front, (opened) =>
    control?.serve(opened, front.supervisor, injections),
  )
  const whole = await (report?.orFailed(session) ?? session)
  const result = control?.ownResult(whole) ?? whole
  // Not made if it is not read: its hints build every family, two milliseconds.
  // Events dropped by the graphs alone are not losses: no log was asked for.
  const told = {
    ...result,
    ...(!log && { lostEvents: 0n }),
    notes: [...faults.notes, ...result.notes, ...(outer?.notes ?? []), ...(log?.notes() ?? [])],
  }
  const none = faults.notes.join('; ') || 'no fault was given'
  const text = (colour: 0 | 1) =>
    told.rules.length === 0 && options.control === undefined
      ? ranAsItIs(none)
      : summary({ ...told, seed: options.seed, arch: architecture, colour })
  if (output) output.write(text(0))
  else if (!options.quiet) writeStderr(text(stderrColour()))
  if (options.graph && !options.quiet && (output || !stderrIsTerminal()))
    writeAfterView(text(terminalColour()))
  await report?.write(rules, told)
  closeFiles([log, output, more.report])
  return endLikeChild(rules, result, options)
}

/** Imported here: few run in a command of another. @throws {MinderbinderError} */
async function outerPlan(
  rules: readonly Rule[],
  options: ExecOptions,
  command: string,
): Promise<OuterPlan | undefined> {
  const path = process.env.MINDERBINDER_CONTROL
  if (!path) return undefined
  return (await import('../../outer/plan.ts')).planWithOuter(path, rules, options, command)
}

/** Imported here: a start without --control does not wait for it. @throws {MinderbinderError} */
async function controlled(
  options: ExecOptions,
  rules: readonly Rule[],
  command: string,
): Promise<ControlledRun> {
  const { ControlledRun } = await import('./controlled-run.ts')
  return new ControlledRun(options, rules, command)
}

/** What watches while the command runs; closes the terminal if nothing does. */
async function observerOf(
  options: ExecOptions,
  command: readonly string[],
  front: Front,
): Promise<Observer | undefined> {
  if (!options.graph) closeSync(launcherFds.terminal)
  if (!options.graph && options.metrics === undefined) return undefined
  const { execObserver } = await import('./observer.ts')
  return execObserver(options, command, front)
}

/** Imported here: a start without network rules does not wait for it. */
async function interfaceNames(
  rules: readonly Rule[],
): Promise<(index: number) => string | undefined> {
  if (rules.every(({ kind }) => kind === 'syscall')) return () => undefined
  const { interfaceName, listInterfaces } = await import('../../kernel/network/interfaces.ts')
  await listInterfaces()
  return interfaceName
}

function parseExec(args: readonly string[]): {
  faults: Faults
  options: ExecOptions
  command: readonly string[]
} {
  const { parser, read } = execParser()
  parseArguments(parser, args)
  const command = parser.args
  if (command.length === 0)
    throw new MinderbinderError('MB_USAGE', 'exec: no command was given', {
      hint: 'minderbinder exec --syscall openat=ENOENT -- cat /etc/hostname',
    })
  return { ...read(), command }
}

function ranAsItIs(why: string): string {
  return `minderbinder: ${why}: the command ran as it is\n`
}

/**
 * A required fault that never fired is reported however the command ended, and with --quiet too: a test of error
 * handling expects the command to fail, and would otherwise pass without its fault.
 */
function endLikeChild(
  rules: readonly Rule[],
  { end, counts }: CommandResult,
  { requireHit }: ExecOptions,
): Finish {
  const missed = groupByExpression(rules).filter((indices) =>
    indices.every((index) => counts[index]?.fired === 0n),
  )
  if (requireHit !== undefined && missed.length > 0) {
    const labels = missed.map((indices) => printable(labelOfAll(rules, indices))).join(', ')
    writeStderr(`minderbinder: --require-hit: never fired: ${labels}\n`)
    const succeeded = end.kind === 'exited' && end.status === 0
    if (succeeded || requireHit === 'always') return { kind: 'exit', status: exitStatus.notHit }
  }
  return end.kind === 'killed'
    ? { kind: 'signal', signal: end.signal }
    : { kind: 'exit', status: end.status }
}
