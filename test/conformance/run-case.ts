/** Runs one case for one subject, and holds all that it shows to the model. */
import assert from 'node:assert/strict'
import { chmodSync, copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fixture } from '../helpers/fixture.ts'
import { type RunResult, run, startMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { until } from '../helpers/until.ts'
import type { Case, NetworkCase, SyscallCase } from './case.ts'
import { type Fault, faultRule, faultText } from './fault.ts'
import { type Expected, expectation, type Logged } from './model.ts'
import { readLog, readSummary, tally } from './observe.ts'
import { type Places, pathOf, steps, words } from './steps.ts'
import { straceCommand } from './strace.ts'
import { runOptions, type Subject } from './subjects.ts'

/** The supervisor compares fd= before it counts a call. */
const supervised: ReadonlySet<string> = new Set(['seccomp', 'ptrace'])

/** Machines in machines are 20 times slower. */
const timeout = 180_000
/** Below what the kernel gives out itself; another one for each process that tests. */
const port = 20_000 + (process.pid % 12_000)

interface Files extends Places {
  readonly log: string
  readonly summary: string
  readonly config: string
}

/** @throws {AssertionError} whatever is not as the model says */
export async function runCase(t: TestContext, subject: Subject, row: Case): Promise<void> {
  const files = filesIn(scratch(t))
  const expected = expectationOf(row)
  const command = commandOf(row, files)
  if (subject.engine === 'strace')
    return checkProgram(row, expected, await traced(row, command), undefined)
  const done = await faulted(subject, row, command, files)
  // Not there if nothing was run: standard error says why.
  const summary = existsSync(files.summary) ? readFileSync(files.summary, 'utf8') : ''
  checkProgram(row, expected, done, subject, summary)
  checkSummary(subject, row, expected, summary)
  checkLog(row, expected, files.log)
}

/** Compiles what a case runs: for machines where that takes long. */
export function compileCase(t: TestContext, row: Case): void {
  commandOf(row, filesIn(scratch(t)))
}

/** What an engine must do with a case that it does not claim: 125, a reason, and nothing is run. */
export async function runRefused(t: TestContext, subject: Subject, row: Case): Promise<void> {
  const files = filesIn(scratch(t))
  const done = await faulted(subject, row, commandOf(row, files), files)
  assert.deepEqual([done.status, done.stdout], [125, ''], done.stderr)
  assert.match(done.stderr, new RegExp(`${subject.engine}: .+`), 'says why')
}

function filesIn(folder: string): Files {
  let scripts = 0
  return {
    log: join(folder, 'log'),
    summary: join(folder, 'summary'),
    signal: join(folder, 'go-on'),
    config: join(folder, 'config.yaml'),
    copy(program, name) {
      const file = join(folder, name)
      if (!existsSync(file)) copyFileSync(program, file)
      return file
    },
    script(program) {
      const file = join(folder, `script${scripts++}`)
      writeFileSync(file, `#!${program} -\n`)
      chmodSync(file, 0o755)
      return file
    },
  }
}

function expectationOf(row: Case): Expected {
  const seed = row.seed ?? 1n
  if (row.kind === 'syscall') return expectation(row.faults, row.steps, seed, row.program?.as)
  const packets = { do: 'call', name: 'packet', args: [], count: row.count, natural: 0n } as const
  // One step for each, to have one line for each.
  const each = Array.from({ length: row.count }, () => ({ ...packets, count: 1 }))
  const { lines, ...rest } = expectation(row.faults, each, seed)
  const hit = lines.flatMap((line, i) => (line.endsWith(' 0') ? [] : [` ${i + 1}`]))
  return { ...rest, lines: [`${row.kind === 'drop-net' ? 'lost' : 'refused'}:${hit.join('')}`] }
}

function commandOf(row: Case, files: Files): string[] {
  if (row.kind === 'syscall')
    return [pathOf(row.program ?? steps, files), ...words(row.steps, files)]
  const protocol = row.kind === 'drop-net' ? 'udp' : 'tcp'
  return [fixture('loopback'), protocol, `${port}`, `${row.count}`]
}

function faultOptions(row: Case, files: Files): string[] {
  if (row.faults.some(needsFile)) {
    const syscall = row.faults.map((fault, i) => faultRule(fault, `rule${i}`))
    writeFileSync(files.config, JSON.stringify({ agents_of_chaos: { syscall } }))
    return ['--config', files.config]
  }
  return row.faults.flatMap((fault, i) =>
    row.kind === 'syscall'
      ? ['--syscall', faultText(fault, `rule${i}`)]
      : [`--${row.kind}`, networkText(row, i)],
  )
}

/** The command line has one name, and what it starts, always. */
function needsFile({ targets = [], inherit }: Fault): boolean {
  return targets.length > 1 || inherit !== undefined
}

function networkText(row: NetworkCase, index: number): string {
  const fault = row.faults[index]!
  const [, ...keys] = faultText(fault, `rule${index}`).split(',')
  const own = row.keys.replace('PORT', `${port}`)
  return [`${fault.rate ?? 100}%`, own, ...keys].join(',')
}

async function faulted(
  subject: Subject,
  row: Case,
  command: readonly string[],
  files: Files,
): Promise<RunResult> {
  const meanwhile = row.kind === 'syscall' ? row.meanwhile : undefined
  const more = row.kind === 'syscall' ? (row.options ?? []) : []
  const running = startMinderbinder(
    [
      ...['exec', '--seed', `${row.seed ?? 1n}`, '--log', files.log, '-o', files.summary],
      ...[...subject.options, ...more, ...faultOptions(row, files), '--', ...command],
    ],
    { ...runOptions(subject), timeout },
  )
  running.child.stdin?.end()
  const { child } = running
  if (meanwhile) {
    await until(() => running.stdout().includes('holding') || child.exitCode !== null, {
      ...{ what: 'the program holding', bound: timeout },
    })
    if (meanwhile === 'exit')
      await until(() => child.exitCode !== null, { what: 'minderbinder’s end', bound: timeout })
    else await runSibling(subject, row, command)
    writeFileSync(files.signal, '')
  }
  return running.result
}

/** The same calls, outside, at a time when the target is under faults: none is hit. */
async function runSibling(
  subject: Subject,
  row: Case,
  [program = '', ...words]: readonly string[],
) {
  const { user } = runOptions(subject)
  const calls = words.filter((word) => /^\d/.test(word))
  const { stdout } = await run([program, ...calls], user === undefined ? {} : { user })
  const made = row.kind === 'syscall' ? row.steps.filter((step) => step.do === 'call') : []
  const unfaulted = expectation([], made, 1n).lines
  assert.deepEqual(stdout.trimEnd().split('\n'), unfaulted, 'a sibling outside the tree')
}

function traced(row: Case, command: readonly string[]): Promise<RunResult> {
  return run([...straceCommand(row as SyscallCase), '--', ...command], { timeout })
}

function checkProgram(
  row: Case,
  expected: Expected,
  done: RunResult,
  subject: Subject | undefined,
  summary = '',
): void {
  const lines = done.stdout.split('\n').slice(0, -1)
  const order = row.kind === 'syscall' ? row.order : undefined
  const about = `stderr: ${done.stderr}\n${summary}`
  if (order === 'calls') assert.deepEqual(tally(lines), tally(expected.lines), about)
  else if (order === 'lines') assert.deepEqual(lines.sort(), [...expected.lines].sort(), about)
  else assert.deepEqual(lines, expected.lines, about)
  const { killed } = expected
  const signal = killed === undefined ? null : signalName(killed)
  assert.deepEqual([done.status, done.signal], [signal ? null : 0, signal], about)
  if (subject)
    assert.doesNotMatch(done.stderr, /^minderbinder:/m, 'minderbinder has nothing to say')
}

function signalName(number: number): string | undefined {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0]
}

function checkSummary(subject: Subject, row: Case, expected: Expected, text: string): void {
  const rows = readSummary(text)
  assert.deepEqual(
    rows.map(({ engine }) => engine),
    row.faults.map((fault) => subject.engineOf(fault, row)),
    text,
  )
  const more = row.kind === 'syscall' ? row.more : undefined
  for (const [i, rule] of expected.rules.entries()) {
    const { matched, fired } = rule
    const actual = rows[i]!
    const seen = rule.seen + (supervised.has(actual.engine) ? 0 : rule.elsewhere)
    if (more === undefined) assert.equal(actual.seen, seen, `seen by rule ${i}:\n${text}`)
    else assert.ok(actual.seen >= seen, `seen by rule ${i}, at least ${seen}:\n${text}`)
    if (more === 'all') continue
    assert.deepEqual([actual.matched, actual.fired], [matched, fired], `rule ${i}:\n${text}`)
  }
  if (row.kind !== 'syscall') return
  if (row.summary) assert.match(text, row.summary)
  if (row.notSummary) assert.doesNotMatch(text, row.notSummary)
  assert.doesNotMatch(text, /missing from the log/)
}

function checkLog(row: Case, expected: Expected, file: string): void {
  const log = readLog(file)
  const names = row.kind === 'syscall'
  for (const [i, rule] of expected.rules.entries()) {
    const lines = log.filter(({ index }) => index === i)
    const said = ({ n, syscall, outcome }: Logged) => `${n}${names ? ` ${syscall} ${outcome}` : ''}`
    const shown = lines.map(said)
    const modelled = rule.log.map(said)
    const loose = row.kind === 'syscall' && row.more === 'all'
    if (!loose) assert.deepEqual(shown.sort(), modelled.sort(), `log of rule ${i}`)
    for (const line of lines) {
      assert.equal(line.seed, `${row.seed ?? 1n}`)
      assert.equal(line.rule, `rule${i}`)
    }
  }
}
