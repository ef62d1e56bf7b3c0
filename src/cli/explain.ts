/** `minderbinder explain`: what would be done, in words, and by which engine. */
import { kernelEngines } from '../engines/engine.ts'
import { describeRule, describeTargets, mostNames, nouns } from '../rules/describe.ts'
import { groupByExpression } from '../rules/expression.ts'
import { ringRequests } from '../rules/names/ring-requests.ts'
import type { LeftOut, Rule } from '../rules/rule.ts'
import { overlap, shadowedBy } from '../rules/shadow.ts'
import { printable } from '../rules/span.ts'
import { listNames } from '../rules/words/lists.ts'
import { counted } from '../rules/words/numbers.ts'

/** What became of the choice of an engine: its name, or why none can do the rule here. */
export interface EngineAnswer {
  readonly engine?: string
  /** Why not by ptrace. */
  readonly since?: string
  readonly refusal?: string
}

interface Entry {
  readonly rule: Rule
  readonly indices: readonly number[]
  readonly answer: EngineAnswer
}

export interface ExplainOptions {
  readonly seed: bigint
  /** Faults follow a target through an exec that gives it other privileges. */
  readonly includeSetuid?: boolean
  /** With --control: how many system calls may be faulted later, and by which engine. */
  readonly added?:
    | { readonly reach: number; readonly name: string; readonly since?: string }
    | undefined
}

/** The text for stdout, with its last newline. */
export function explain(
  rules: readonly Rule[],
  engineOf: (rule: Rule, index: number) => EngineAnswer,
  { seed, includeSetuid = false, added }: ExplainOptions,
): string {
  const answers = rules.map((rule, index) => engineOf(rule, index))
  const entries = groupByExpression(rules).flatMap((indices) => entriesOf(rules, indices, answers))
  const several = entries.length > 1 ? 'if several match, the first that fires wins; ' : ''
  return [
    ...entries.flatMap((entry, index) => lines(entry, index + 1, rules)),
    ...(includeSetuid
      ? [
          '--include-setuid: programs with a set-user-ID bit or file capabilities are faulted, too, and may hand their rights on',
        ]
      : []),
    ...(added ? [describeAdded(added)] : []),
    `${several}chances depend on the seed: ${seed}`,
  ]
    .map((line) => `${line}\n`)
    .join('')
}

function describeAdded({ reach, name, since }: NonNullable<ExplainOptions['added']>): string {
  const calls = counted(reach, 'system call')
  const why = since === undefined ? '' : ` (not ptrace: ${since})`
  return `--control: the command can fault ${calls} while it runs, by ${name}${why}`
}

/** The rules of one expression, as one entry for each answer. */
function entriesOf(
  rules: readonly Rule[],
  indices: readonly number[],
  answers: readonly EngineAnswer[],
): Entry[] {
  const entries: Entry[] = []
  for (const index of indices) {
    const rule = rules[index]!
    const answer = answers[index]!
    const last = entries.at(-1)
    if (last?.rule.kind === 'syscall' && rule.kind === 'syscall' && isSame(last.answer, answer))
      entries[entries.length - 1] = {
        rule: {
          ...last.rule,
          label: printable(rule.source),
          syscalls: [...last.rule.syscalls, ...rule.syscalls],
        },
        indices: [...last.indices, index],
        answer,
      }
    else entries.push({ rule, indices: [index], answer })
  }
  return entries
}

function isSame(one: EngineAnswer, other: EngineAnswer): boolean {
  return one.engine === other.engine && one.refusal === other.refusal
}

function lines(entry: Entry, number: number, rules: readonly Rule[]): string[] {
  const { rule, indices, answer } = entry
  const lead = `${number}. `
  const indent = ' '.repeat(lead.length)
  const details = [
    describeRule(rule),
    ...describeTargetsOf(rule),
    ...(indices.length > 1 ? ['each of these calls is counted on its own, as strace does'] : []),
    ...(rule.kind === 'syscall' ? describeLeftOut(rule.leftOut ?? []) : []),
    ...caveats(rule, answer),
    ...describeEarlier(indices, rules),
    describeAnswer(answer),
  ]
  return [lead + rule.label, ...details.map((line) => indent + line)]
}

function describeAnswer({ engine = 'none', since, refusal }: EngineAnswer): string {
  if (refusal !== undefined) return `cannot be done here: ${refusal}`
  return `engine: ${engine}${since === undefined ? '' : ` (not ptrace: ${since})`}`
}

function describeTargetsOf(rule: Rule): string[] {
  const text = describeTargets(rule)
  return text === undefined ? [] : [text]
}

/** One line for each reason. */
function describeLeftOut(leftOut: readonly LeftOut[]): string[] {
  const byReason = new Map<string, string[]>()
  for (const { name, reason } of leftOut)
    byReason.set(reason, [...(byReason.get(reason) ?? []), name])
  return [...byReason].map(
    ([reason, names]) => `left out: ${listNames(names, 'and', mostNames)} (${reason})`,
  )
}

/** What surprises people about this kind of rule. */
function caveats(rule: Rule, { engine }: EngineAnswer): string[] {
  const isSpelled = rule.kind === 'syscall' && rule.paths?.some((path) => !path.startsWith('*'))
  const spelled = `${engine} compares path= with the path as the program passes it, absolute or relative`
  const early = `hook does not see a call that fails before its hook, such as a bad descriptor`
  const inKernel = engine !== undefined && kernelEngines.includes(engine)
  return [
    ...(inKernel && isSpelled ? [spelled] : []),
    ...(engine === 'hook' ? [early] : []),
    ...(rule.kind === 'refuse-net' && rule.protocol === 'udp'
      ? ['resolvers connect() UDP sockets: they may find no name, or no route to an address']
      : []),
    ...(engine === undefined ? [] : describeRing(rule, engine)),
  ]
}

/** What becomes of the same by io_uring: test/kernel/guest/io-uring.ts compares this with what it sees. */
function describeRing(rule: Rule, engine: string): string[] {
  if (engine === 'cgroup' && rule.kind === 'refuse-net')
    return ['refuses connections through io_uring, too']
  const calls =
    rule.kind === 'syscall'
      ? rule.syscalls.filter((call) => ringRequests.has(call))
      : rule.kind === 'refuse-net'
        ? ['connect']
        : []
  if (calls.length === 0) return []
  const why =
    engine === 'hook'
      ? 'its requests pass the same hooks, but in io_uring_enter or a thread of the kernel'
      : 'its requests are not system calls'
  return [`does not hit ${listNames(calls, 'and', mostNames)} through io_uring: ${why}`]
}

/** What earlier rules leave to this one. */
function describeEarlier(indices: readonly number[], rules: readonly Rule[]): string[] {
  const shadows = indices.map((index) => shadowedBy(rules, index))
  const [first] = shadows
  if (first !== undefined && !shadows.includes(undefined))
    return [
      `can never fire: ${rules[first]!.label} fires first at each of these ${nouns[rules[first]!.kind]}s`,
    ]
  const earlier = rules.slice(0, indices[0])
  const shares = indices.some((index) => earlier.some((rule) => overlap(rule, rules[index]!)))
  return shares && countsOccurrences(rules[indices[0]!]!)
    ? [`counts only the ${nouns[rules[indices[0]!]!.kind]}s at which no earlier rule fired`]
    : []
}

function countsOccurrences({ when, times }: Rule): boolean {
  return when.first > 1 || when.last !== Number.POSITIVE_INFINITY || when.step > 1 || times > 0
}
