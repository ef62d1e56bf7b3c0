/**
 * The command line's faults:
 *
 *     --syscall SET=OUTCOME[@RATE][,KEY=VALUE]...
 *     --drop-net RATE[,KEY=VALUE]...      --refuse-net RATE[,KEY=VALUE]...
 *
 * Every error is a MinderbinderError whose excerpt marks the part of the text that is wrong; of length 0
 * where something is missing at that place.
 */
import { parseKeys } from './grammar-keys.ts'
import { parseOutcome } from './grammar-outcome.ts'
import { parseSet } from './grammar-set.ts'
import { type GrammarContext, networkRule, syscallRule } from './parts.ts'
import type { NetworkRule, SyscallRule } from './rule.ts'
import { Span } from './span.ts'
import { parseRate } from './values.ts'

/** The argument of --syscall. */
export function parseSyscallFault(text: string, context: GrammarContext): SyscallRule {
  const fault = new Span(text)
  const [head = fault, ...rest] = fault.split(',', '\\')
  const [set, action] = head.cut('=') ?? [head, undefined]
  const calls = parseSet(set, context.arch)
  if (!action)
    throw head
      .slice(head.length)
      .error('MB_FAULT_SYNTAX', 'the outcome is missing', `write ${set.text}=ENOENT`)
  const [outcomeSpan, rateSpan] = action.cut('@') ?? [action, undefined]
  const outcome = parseOutcome(outcomeSpan)
  return syscallRule({
    source: `--syscall ${text}`,
    written: text,
    set: set.text,
    calls,
    outcome,
    outcomeSpan,
    rate: rateSpan ? parseRate(rateSpan) : 100,
    keys: parseKeys(rest, 'syscall'),
    textOf: unescapeCommas,
  })
}

/** The argument of --drop-net or --refuse-net. */
export function parseNetworkFault(kind: NetworkRule['kind'], text: string): NetworkRule {
  const [rate = new Span(text), ...rest] = new Span(text).split(',', '\\')
  return networkRule({
    kind,
    source: `--${kind} ${text}`,
    written: `${kind} ${text}`,
    rate: parseRate(rate),
    keys: parseKeys(rest, kind),
    textOf: unescapeCommas,
  })
}

/** In path= and name= a comma is written `\,`; every other backslash is itself. */
function unescapeCommas(span: Span): string {
  return span.text.replaceAll('\\,', ',')
}
