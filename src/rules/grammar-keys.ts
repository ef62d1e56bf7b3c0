/** [,KEY=VALUE]...: what narrows a fault, or names it. */

import { keyNames, keysOf } from './keys/index.ts'
import type { Keys } from './keys/key.ts'
import { nearest } from './names/suggest.ts'
import { otherKeyHint } from './other-words.ts'
import type { Rule } from './rule.ts'
import { quote, type Span } from './span.ts'

/** Checks that each key exists for this kind of fault, and is there once where it has one value. */
export function parseKeys(parts: readonly Span[], kind: Rule['kind']): Keys {
  const own = keyNames(kind)
  const others = keyNames(kind === 'syscall' ? 'drop-net' : 'syscall')
  const keys = new Map<string, [Span, ...Span[]]>()
  for (const part of parts) {
    const [key, value] = part.cut('=') ?? [part, undefined]
    if (!own.includes(key.text)) throw unknownKey(part, key, own, others, kind)
    if (!value)
      throw part.error('MB_FAULT_SYNTAX', `${key.text} has no value`, `write ${key.text}=...`)
    const before = keys.get(key.text)
    if (before && !severalOf(kind).has(key.text))
      throw key.error('MB_FAULT_SYNTAX', `${key.text}= appears twice`)
    keys.set(key.text, before ? [...before, value] : [value])
  }
  return keys
}

/** Keys that may be there several times. */
function severalOf(kind: Rule['kind']): ReadonlySet<string> {
  return new Set(keysOf(kind).flatMap(({ name, several }) => (several ? name : [])))
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

/** Of a key of the network on a system call. */
function networkHint(part: string): string | undefined {
  if (!/^[a-z]+=[\w.:/-]{1,60}$/.test(part)) return undefined
  return `--drop-net 100%,${part} loses packets (root)`
}

function loneHint(part: string): string {
  return /^\d+$/.test(part)
    ? 'several values of fd=, port= and to= are joined by +: port=53+853'
    : 'a comma inside a path or a name is written \\,'
}
