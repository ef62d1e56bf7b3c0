/** [,KEY=VALUE]...: what narrows a fault, or names it. */

import { nearest } from './names/suggest.ts'
import { otherKeyHint } from './other-words.ts'
import type { CommonParts } from './parts.ts'
import type { NetworkRule, Rule, SyscallRule, When } from './rule.ts'
import { printable, quote, type Span } from './span.ts'
import { always, parseDuration, parseInteger, parseWhen } from './values.ts'

export const syscallKeys = ['after', 'when', 'times', 'scope', 'path', 'fd', 'name'] as const
export const networkKeys = [
  ...['after', 'when', 'times', 'proto', 'port', 'to', 'dir', 'interface', 'name'],
] as const

/** What a fault says beside its outcome and rate: the value of each key, and its place. */
export type Keys = ReadonlyMap<string, Span>

/** Checks that each key exists for this kind of fault, and is there once. */
export function parseKeys(parts: readonly Span[], kind: Rule['kind']): Keys {
  const own: readonly string[] = kind === 'syscall' ? syscallKeys : networkKeys
  const others: readonly string[] = kind === 'syscall' ? networkKeys : syscallKeys
  const keys = new Map<string, Span>()
  for (const part of parts) {
    const [key, value] = part.cut('=') ?? [part, undefined]
    if (!own.includes(key.text)) throw unknownKey(part, key, own, others, kind)
    if (!value)
      throw part.error('MB_FAULT_SYNTAX', `${key.text} has no value`, `write ${key.text}=...`)
    if (keys.has(key.text)) throw key.error('MB_FAULT_SYNTAX', `${key.text}= is there twice`)
    keys.set(key.text, value)
  }
  return keys
}

function unknownKey(
  part: Span,
  key: Span,
  own: readonly string[],
  others: readonly string[],
  kind: Rule['kind'],
) {
  if (part.length === 0)
    return part.error(
      'MB_FAULT_SYNTAX',
      'a key is missing after the comma',
      `keys: ${own.join(' ')}`,
    )
  if (others.includes(key.text))
    return key.error(
      'MB_FAULT_VALUE',
      `${key.text}= is for ${kind === 'syscall' ? 'network' : 'system call'} faults, not for --${kind}`,
      (kind === 'syscall' && networkHint(part.text)) || `keys here: ${own.join(' ')}`,
    )
  if (/^(rate|probability|chance)$/.test(key.text) || /^@?[\d.]+%$/.test(part.text))
    return part.error(
      'MB_FAULT_SYNTAX',
      'the rate is not a key',
      kind === 'syscall'
        ? 'write it after the outcome: ENOENT@50%'
        : 'write it first: 50%,port=443',
    )
  const other = otherKeyHint(key.text, part.text.slice(key.length + 1), kind)
  const near = nearest(key.text, own)
  if (key.length === part.length && !near && other === undefined)
    return part.error(
      'MB_FAULT_SYNTAX',
      `${quote(part.text)} is not KEY=VALUE`,
      loneHint(part.text),
    )
  return key.error(
    'MB_UNKNOWN_NAME',
    `unknown key ${quote(key.text)}`,
    other ?? (near ? `did you mean ${near}=?` : `keys here: ${own.join(' ')}`),
  )
}

/** Of a key of the network on a system call: what a connect() or a sendto() to one peer is here. */
function networkHint(part: string): string | undefined {
  if (!/^[a-z]+=[\w.:/-]{1,60}$/.test(part)) return undefined
  const drop = `--drop-net 100%,${part} loses packets`
  return part.startsWith('dir=')
    ? `${drop} (root)`
    : `--refuse-net 100%,${part} refuses connections, and ${drop} (root)`
}

function loneHint(part: string): string {
  return /^\d+$/.test(part)
    ? 'a key has one value: give a rule for each'
    : 'a comma inside a path or a name is written \\,'
}

export interface CommonKeys {
  readonly label: string
  readonly afterNs: bigint
  readonly when: When
  readonly times: number
}

/** The keys of every fault. */
export function parseCommonKeys({ keys, written, textOf }: CommonParts): CommonKeys {
  const [name, after, when, times] = [
    keys.get('name'),
    keys.get('after'),
    keys.get('when'),
    keys.get('times'),
  ]
  return {
    label: name ? parseLabel(name, textOf(name)) : printable(written),
    afterNs: after ? parseDuration(after, { zeroAllowed: true }) : 0n,
    when: when ? parseWhen(when) : always,
    // Exact as a number; nothing is called more often in a run.
    times: times ? parseInteger(times, 'times', 1, Number.MAX_SAFE_INTEGER) : 0,
  }
}

function parseLabel(span: Span, label: string): string {
  if (label.trim() === '') throw span.error('MB_FAULT_VALUE', 'name= is empty')
  if (label !== printable(label))
    throw span.error('MB_FAULT_VALUE', 'name= has a control character in it')
  return label
}

export function parseScope(span: Span | undefined): SyscallRule['scope'] {
  return span ? oneOf(span, ['tree', 'process']) : 'tree'
}

export function parseProtocol(span: Span): NonNullable<NetworkRule['protocol']> {
  return oneOf(span, ['tcp', 'udp', 'icmp'])
}

export function parseDirection(span: Span | undefined): NetworkRule['direction'] {
  const both = 'give two rules, one with dir=out and one with dir=in'
  return span
    ? oneOf(span, ['out', 'in'], /^(both|any|all|inout)$/.test(span.text) ? both : '')
    : 'out'
}

function oneOf<Word extends string>(span: Span, words: readonly Word[], hint = ''): Word {
  const word = words.find((candidate) => candidate === span.text)
  if (word) return word
  const near = nearest(span.text, words)
  throw span.error(
    'MB_FAULT_VALUE',
    `${quote(span.text)} is not one of ${words.join(', ')}`,
    hint || (near && `did you mean ${near}?`),
  )
}
