/** From the fields of a rule to the parts that the command line's faults are made of, and to the rule. */
import { parseOutcome } from '../rules/grammar-outcome.ts'
import { parseMembers } from '../rules/grammar-set.ts'
import { keysOf } from '../rules/keys/index.ts'
import type { CommonParts, Keys } from '../rules/keys/key.ts'
import { nearest } from '../rules/names/suggest.ts'
import { parseErrorName } from '../rules/outcomes/errno.ts'
import { allForms, type Outcome } from '../rules/outcomes/index.ts'
import { parseReturn } from '../rules/outcomes/return.ts'
import { type GrammarContext, networkRule, syscallRule } from '../rules/parts.ts'
import type { NetworkRule, Rule, SyscallRule } from '../rules/rule.ts'
import { printable, quote, Span } from '../rules/span.ts'
import { parseDuration, parseRate } from '../rules/values.ts'
import type { Fields } from './fields.ts'
import { parseTargets } from './targets.ts'

/** @throws {MinderbinderError} */
export function syscallFault(rule: Fields, context: GrammarContext): SyscallRule {
  const spans = rule.spans('syscall').flatMap((span) => span.split('+'))
  if (spans.length === 0) throw rule.error('syscall', 'syscall is an empty list')
  const set = spans.map(({ text }) => text).join('+')
  const calls = parseMembers(spans, context.arch)
  const { outcome, span: outcomeSpan } = outcomeOf(rule)
  const written = outcome.kind === 'return' ? `ret:${outcome.value}` : outcomeSpan.text
  return {
    ...syscallRule({
      ...commonParts(rule, `${set}=${written}`, 'syscall'),
      ...{ kind: 'syscall', set, calls, outcome, outcomeSpan },
    }),
    ...started(rule),
    ...parseTargets(rule),
  }
}

function outcomeOf(rule: Fields): { outcome: Outcome; span: Span } {
  const code = rule.span('ret_code')
  const span = rule.span('outcome')
  if (code && span)
    throw rule.error('outcome', 'ret_code and outcome say the same: write one of them')
  if (span) return { outcome: parseOutcome(span), span }
  if (code) return { outcome: parseReturnCode(code), span: code }
  throw rule.error(
    undefined,
    'ret_code is missing here',
    'write an error, such as ret_code: ENOENT, or outcome: delay:50ms',
  )
}

/** As the prototype had it: what the call returns, so that -2 is ENOENT; or the error's name. */
function parseReturnCode(span: Span): Outcome {
  const { text } = span
  if (/^\d/.test(text)) return parseReturn(span)
  if (text.includes(':'))
    throw span.error(
      'MB_CONFIG',
      `ret_code: ${quote(text)} is neither an error nor a number`,
      `write outcome: ${text}`,
    )
  return /^-|\|/.test(text) ? parseOutcome(span) : parseErrorName(span, allForms)
}

const networkOutcomes = { drop: 'drop-net', refuse: 'refuse-net' } as const

/** @throws {MinderbinderError} */
export function networkFault(rule: Fields, direction: NetworkRule['direction']): NetworkRule {
  const kind = networkKind(rule, direction)
  const parts = commonParts(rule, kind, kind)
  const keys = new Map(parts.keys)
  keys.set('dir', [new Span(direction)])
  return {
    ...networkRule({ ...parts, kind, keys }),
    ...started(rule),
    ...parseTargets(rule),
  }
}

function networkKind(rule: Fields, direction: NetworkRule['direction']): NetworkRule['kind'] {
  const span = rule.span('outcome')
  if (!span) return 'drop-net'
  const words = direction === 'in' ? ['drop'] : Object.keys(networkOutcomes)
  if (words.includes(span.text)) return networkOutcomes[span.text as 'drop' | 'refuse']
  if (span.text === 'refuse')
    throw span.error(
      'MB_CONFIG',
      'only outgoing connections can be refused',
      'put the rule under outgoing_network',
    )
  const near = nearest(span.text, words)
  throw span.error(
    'MB_CONFIG',
    `outcome: ${quote(span.text)} is not one of ${words.join(', ')}`,
    near && `did you mean ${near}?`,
  )
}

function commonParts(rule: Fields, head: string, kind: Rule['kind']): CommonParts {
  const keys = new Map<string, [Span, ...Span[]]>()
  for (const key of keysOf(kind)) {
    const [first, ...others] = key.field ? rule.spans(key.name) : []
    if (first) keys.set(key.name, [first, ...others])
    else if (key.field && rule.has(key.name))
      throw rule.error(key.name, `${key.name} is an empty list`)
  }
  const rateSpan = rule.span('failure_rate')
  const rate = rateSpan ? parseRate(rateSpan, 'optional') : 100
  const name = rule.span('name')?.text
  const written = asOnCommandLine(head, rate, keys)
  return {
    kind,
    source: printable(`${name ?? written} (${rule.where})`),
    written,
    rate,
    keys,
    textOf: ({ text }) => text,
  }
}

/** What to call a rule without a name. */
function asOnCommandLine(head: string, rate: number, keys: Keys): string {
  const chance = head.endsWith('-net') ? ` ${rate}%` : rate === 100 ? '' : `@${rate}%`
  return [
    `${head}${chance}`,
    ...[...keys].flatMap(([key, values]) => values.map(({ text }) => `${key}=${text}`)),
  ].join(',')
}

/** delay_ms, or nothing: after= has been read with the other keys. */
function started(rule: Fields): { afterNs?: bigint } {
  const span = rule.span('delay_ms')
  if (!span) return {}
  if (rule.has('after'))
    throw rule.error('after', 'delay_ms and after say the same: write one of them')
  return { afterNs: parseDuration(span, { defaultUnit: 'ms', zeroAllowed: true }) }
}
