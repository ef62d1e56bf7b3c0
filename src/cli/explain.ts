/** `minderbinder explain`: what would be done, in words, and by which engine. */
import { describeRule, describeTargets, listNames } from '../rules/describe.ts'
import type { LeftOut, Rule } from '../rules/rule.ts'
import { shadowedBy } from '../rules/shadow.ts'
import { printable } from '../rules/span.ts'

/** What became of the choice of an engine: its name, or why none can do the rule here. */
export interface EngineAnswer {
  readonly engine?: string
  readonly refusal?: string
}

interface Entry {
  readonly rule: Rule
  readonly indices: readonly number[]
  readonly answer: EngineAnswer
}

/** The text for stdout, with its last newline. */
export function explain(
  rules: readonly Rule[],
  engineOf: (rule: Rule, index: number) => EngineAnswer,
  { seed }: { readonly seed: bigint },
): string {
  const entries = group(
    rules.map((rule, index) => ({ rule, indices: [index], answer: engineOf(rule, index) })),
  )
  const several = entries.length > 1 ? 'where several match, the first that fires wins; ' : ''
  return [
    ...entries.flatMap((entry, index) => lines(entry, index + 1, rules)),
    `${several}chances depend on the seed: ${seed}`,
  ]
    .map((line) => `${line}\n`)
    .join('')
}

/** The rules that one --inject made, one for each system call, as one entry. */
function group(entries: readonly Entry[]): Entry[] {
  const groups: Entry[] = []
  for (const entry of entries) {
    const last = groups.at(-1)
    if (last?.rule.kind === 'syscall' && entry.rule.kind === 'syscall' && isSameImport(last, entry))
      groups[groups.length - 1] = {
        rule: {
          ...last.rule,
          label: printable(entry.rule.source),
          syscalls: [...last.rule.syscalls, ...entry.rule.syscalls],
        },
        indices: [...last.indices, ...entry.indices],
        answer: last.answer,
      }
    else groups.push(entry)
  }
  return groups
}

function isSameImport(one: Entry, other: Entry): boolean {
  return (
    one.rule.source.startsWith('--inject ') &&
    one.rule.source === other.rule.source &&
    one.answer.engine === other.answer.engine &&
    one.answer.refusal === other.answer.refusal
  )
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
    ...describeShadow(indices, rules),
    answer.refusal === undefined
      ? `engine: ${answer.engine ?? 'none'}`
      : `cannot be done here: ${answer.refusal}`,
  ]
  return [lead + rule.label, ...details.map((line) => indent + line)]
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
  return [...byReason].map(([reason, names]) => `left out: ${listNames(names)} (${reason})`)
}

function describeShadow(indices: readonly number[], rules: readonly Rule[]): string[] {
  const shadows = indices.map((index) => shadowedBy(rules, index))
  const [first] = shadows
  if (first === undefined || shadows.includes(undefined)) return []
  return [`can never fire: ${rules[first]?.label ?? ''} fires first at each of these calls`]
}
