/**
 * The command line's faults:
 *
 *     --syscall SET=OUTCOME[@RATE][,KEY=VALUE]...
 *     --drop-net [RATE][,KEY=VALUE]...    --refuse-net [RATE][,KEY=VALUE]...
 *
 * RATE is 100% if it is left out.
 *
 * Every error is a MinderbinderError whose excerpt marks the part of the text that is wrong; of length 0
 * where something is missing at that place.
 */
import { parseKeys } from './grammar-keys.ts'
import { parseOutcome } from './grammar-outcome.ts'
import { parseSet } from './grammar-set.ts'
import { isForInject, noLatency } from './other-words.ts'
import { type GrammarContext, networkRule, syscallRule } from './parts.ts'
import type { NetworkRule, SyscallRule } from './rule.ts'
import { quote, Span } from './span.ts'
import { parseRate } from './values.ts'
import { ordinal } from './words/numbers.ts'

/** The argument of --syscall. */
export function parseSyscallFault(text: string, context: GrammarContext): SyscallRule {
  const fault = new Span(text)
  const [head = fault, ...rest] = fault.split(',', '\\')
  const [set, action] = head.cut('=') ?? [head, undefined]
  if (isForInject(text))
    throw set.error(
      'MB_FAULT_SYNTAX',
      "--syscall does not take strace's syntax",
      `--inject does: --inject ${quote(text)}`,
    )
  const calls = parseSet(set, context.arch)
  if (!action)
    throw head
      .slice(head.length)
      .error('MB_FAULT_SYNTAX', 'the outcome is missing', `write ${set.text}=ENOENT`)
  const [outcomeSpan, rateSpan] = action.cut('@') ?? [action, undefined]
  const outcome = parseOutcome(outcomeSpan)
  return syscallRule({
    kind: 'syscall',
    source: `--syscall ${text}`,
    written: text,
    set: set.text,
    calls,
    outcome,
    outcomeSpan,
    rate: rateSpan ? parseRate(rateSpan, 'required', callRateHint) : 100,
    keys: parseKeys(rest, 'syscall'),
    textOf: unescapeCommas,
  })
}

/** The argument of --drop-net or --refuse-net. */
export function parseNetworkFault(kind: NetworkRule['kind'], text: string): NetworkRule {
  const parts = new Span(text).split(',', '\\')
  const [first = new Span(text), ...rest] = parts
  const hasRate = first.length === 0 || !first.text.includes('=')
  return networkRule({
    kind,
    source: `--${kind} ${text}`,
    written: `${kind} ${text}`,
    rate: hasRate ? parseRate(first, 'required', packetRateHint) : 100,
    keys: parseKeys(hasRate ? rest : parts, kind),
    textOf: unescapeCommas,
  })
}

/** Of a rate of --syscall that lacks its %. A share or a percentage, or strace's when=. */
function callRateHint(text: string): string {
  const only = `when=${text} (only the ${ordinal(Number(text))} call)`
  if (!/^\d{1,9}$/.test(text)) return `did you mean ${percentages(text)}?`
  return Number(text) > 100
    ? `did you mean ${only}?`
    : `did you mean ${percentages(text)}, or ${only}?`
}

/** The same of the network's options, where a number may be a port. */
function packetRateHint(text: string): string {
  if (/^\d+(\.\d*)?(ns|us|ms|s|m)$/.test(text)) return noLatency
  const isPort = /^\d{1,5}$/.test(text) && Number(text) > 100 && Number(text) <= 65535
  return isPort ? `did you mean 100%,port=${text}?` : `did you mean ${percentages(text)}?`
}

/** `50% or 0.5%`, `1% or 100%`, `30%`. */
function percentages(text: string): string {
  const value = Number(text)
  if (value > 0 && value < 1) return `${Number((value * 100).toPrecision(12))}% or ${text}%`
  return value === 1 ? '1% or 100%' : `${text}%`
}

/** In path=, process= and name= a comma is written `\,`; every other backslash is itself. */
function unescapeCommas(span: Span): string {
  return span.text.replaceAll('\\,', ',')
}
