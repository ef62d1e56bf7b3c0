/**
 * strace's own injection expressions (strace(1), "Tampering"):
 *
 *     [inject=|fault=]SET[:error=E|:retval=V][:signal=S][:delay_enter=D][:delay_exit=D][:when=EXPR]
 *
 * strace counts occurrences for each system call and each tracee, so each system call of SET becomes a
 * rule of its own with scope=thread, if it counts at all.
 */

import { nearest } from './names/suggest.ts'
import { combine, type Part } from './outcomes/combined.ts'
import {
  allForms,
  injections,
  type Outcome,
  refusesOutcome,
  type SingleOutcome,
} from './outcomes/index.ts'
import type { GrammarContext } from './parts.ts'
import type { Expression, LeftOut, Rule, SyscallRule } from './rule.ts'
import { printable, quote, Span } from './span.ts'
import { parseStraceSet } from './strace-set.ts'
import { always, parseWhen } from './values.ts'
import { listNames } from './words/lists.ts'

/** What strace can do and a rule cannot. */
const unsupported: Readonly<Record<string, string>> = {
  poke_enter: 'memory is not changed here',
  poke_exit: 'memory is not changed here',
  syscall: 'a call is not replaced by another one here',
}

export const straceActions: readonly string[] = [...injections.map(({ action }) => action), 'when']

/** The argument of --inject: one rule for each system call of the set, by name. None if the set says so (strace-set.ts). */
export function parseStraceInject(text: string, context: GrammarContext): SyscallRule[] {
  const prefix = /^(inject|fault)=/.exec(text)
  const isFault = prefix?.[1] === 'fault'
  const spec = new Span(text, prefix?.[0].length ?? 0)
  const [setSpan = spec, ...parts] = spec.split(':')
  const set = parseStraceSet(setSpan, context.arch)
  const { outcome, outcomeSpan, when } = parseActions(parts, isFault, spec)
  const leftOut: LeftOut[] = [...set.leftOut]
  const expression = { text: printable(spec.text), set: printable(setSpan.text) }
  const rules: SyscallRule[] = []
  for (const [name, place] of set.calls) {
    const reason = refusesOutcome(name, outcome)
    if (reason && place)
      throw outcomeSpan.error('MB_FAULT_VALUE', `${name} cannot have this outcome: ${reason}`)
    if (reason) {
      leftOut.push({ name, reason })
      continue
    }
    rules.push({
      kind: 'syscall',
      label: printable([name, ...parts.map((part) => part.text)].join(':')),
      source: `--inject ${text}`,
      set: name,
      syscalls: [name],
      expression,
      outcome,
      rate: 100,
      afterNs: 0n,
      when,
      times: 0,
      // Of a rule that fires at each call the engine override need not count apart.
      scope: when === always ? 'tree' : 'thread',
    })
  }
  const [first] = rules
  if (first) rules[0] = { ...first, leftOut }
  else if (leftOut.length > 0)
    throw setSpan.error(
      'MB_FAULT_VALUE',
      `${quote(setSpan.text)} has no system call that can have this outcome`,
    )
  return rules
}

/** As in strace, what the last expression says of a call replaces what those before it say. */
export function lastExpressions(rules: readonly Rule[]): readonly Rule[] {
  const last = new Map<string, Expression>()
  const all = rules.flatMap((rule) => {
    if (rule.kind !== 'syscall' || !rule.expression) return []
    for (const call of rule.syscalls) last.set(call, rule.expression)
    return rule.expression
  })
  if (new Set(all).size < 2) return rules
  const leftOut = new Map<Expression, readonly LeftOut[]>()
  return rules.flatMap((rule) => {
    const expression = rule.kind === 'syscall' ? rule.expression : undefined
    if (rule.kind !== 'syscall' || !expression) return rule
    if (rule.leftOut) leftOut.set(expression, rule.leftOut)
    if (rule.syscalls.some((call) => last.get(call) !== expression)) return []
    // What its set leaves out is on the first of its rules, whichever that is now.
    const { leftOut: _, ...kept } = rule
    const carried = leftOut.get(expression)
    leftOut.delete(expression)
    return carried ? { ...kept, leftOut: carried } : kept
  })
}

function parseActions(parts: readonly Span[], isFault: boolean, spec: Span) {
  const actions: Part<SingleOutcome>[] = []
  let when = always
  for (const part of parts) {
    const [key, value] = part.cut('=') ?? [part, undefined]
    checkAction(part, key, value, isFault)
    if (key.text === 'when') {
      when = parseWhen(value ?? part) // the last one counts, as in strace
      continue
    }
    const { step, parse } = injections.find(({ action }) => action === key.text)!
    actions.push({ outcome: parse(value ?? part, allForms), step, span: part })
  }
  const [first] = actions
  if (!first && isFault) {
    const outcome: Outcome = { kind: 'errno', name: 'ENOSYS', errno: 38 }
    return { outcome, outcomeSpan: spec, when }
  }
  if (!first)
    throw spec.slice(spec.length).error(
      'MB_FAULT_SYNTAX',
      'what to inject is missing',
      `write ${listNames(
        injections.map(({ example }) => `:${example}`),
        'or',
      )}`,
    )
  const outcome = combine(actions)
  // Where none of several stands for all.
  const outcomeSpan = outcome.kind === 'combined' ? spec : first.span
  return { outcome, outcomeSpan, when }
}

function checkAction(part: Span, key: Span, value: Span | undefined, isFault: boolean): void {
  const word = key.text
  if (Object.hasOwn(unsupported, word))
    throw part.error('MB_FAULT_VALUE', `strace's ${word}= is not supported: ${unsupported[word]}`)
  if (!straceActions.includes(word)) {
    const near = nearest(word, straceActions)
    throw key.error(
      part.length === 0 ? 'MB_FAULT_SYNTAX' : 'MB_UNKNOWN_NAME',
      part.length === 0 ? 'an action is missing after the colon' : `unknown action ${quote(word)}`,
      near ? `did you mean ${near}=?` : `actions: ${straceActions.join(' ')}`,
    )
  }
  if (!value) throw part.error('MB_FAULT_SYNTAX', `${word} has no value`, `write ${word}=...`)
  if (isFault && word !== 'error' && word !== 'when')
    throw key.error('MB_FAULT_VALUE', `fault= has no ${word}=`, 'use inject= instead')
}
