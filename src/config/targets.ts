/** `targets` and `inherit` of a rule. */
import type { Target } from '../rules/rule.ts'
import { printable, quote, type Span } from '../rules/span.ts'
import { parseInteger } from '../rules/values.ts'
import type { Fields } from './fields.ts'
import { targetKinds } from './schema.ts'

/** Bytes: NAME_MAX of limits.h, and TARGET_NAME_MAX in bpf/rule.h without its NUL. */
const longestName = 255

/** PID_MAX_LIMIT of include/linux/threads.h, on 64-bit machines. */
const highestPid = 2 ** 22

export interface Targeting {
  readonly targets?: readonly Target[]
  readonly inherit?: boolean
}

/** @throws {MinderbinderError} */
export function parseTargets(rule: Fields): Targeting {
  const items = rule.list('targets')
  if (!items) {
    if (rule.has('inherit'))
      throw rule.error('inherit', 'inherit is about targets, and this rule has none')
    return {}
  }
  if (items.length === 0)
    throw rule.error(
      'targets',
      'targets is an empty list',
      'leave it out, and the rule is for all processes',
    )
  return {
    targets: items.map(parseTarget),
    ...(rule.has('inherit') && { inherit: !rule.isFalse('inherit') }),
  }
}

function parseTarget(item: Fields): Target {
  const kinds = targetKinds.filter((kind) => item.has(kind))
  const [kind, another] = kinds
  if (!kind || another)
    throw item.error(
      another,
      another ? `a target is ${kind} or ${another}, not both` : 'a target is missing here',
      another
        ? 'put a - before each, and the rule is for both'
        : `write one of ${targetKinds.join(', ')}`,
    )
  const span = item.span(kind)!
  switch (kind) {
    case 'process_name':
      return { kind: 'name', name: parseName(span) }
    case 'pid':
      return { kind: 'pid', pid: parseInteger(span, 'pid', 2, highestPid) }
    case 'uid':
      // (uid_t) -1 is nobody's (setreuid(2)).
      return { kind: 'uid', uid: parseInteger(span, 'uid', 0, 2 ** 32 - 2) }
    case 'cgroup':
      return { kind: 'cgroup', path: parseCgroup(span) }
  }
}

function parseName(span: Span): string {
  const name = span.text
  if (name === '') throw span.error('MB_CONFIG', 'process_name is empty')
  if (name.includes('/'))
    throw span.error(
      'MB_CONFIG',
      `process_name: ${quote(name)} has a / in it`,
      'only the last part of a path is compared: write that',
    )
  if (name !== printable(name))
    throw span.error('MB_CONFIG', 'process_name has a control character in it')
  if (Buffer.byteLength(name) > longestName)
    throw span.error('MB_CONFIG', `process_name is longer than ${longestName} bytes`)
  return name
}

/** With no slash at its end; the root is `/`. */
function parseCgroup(span: Span): string {
  const path = span.text
  if (
    !path.startsWith('/') ||
    path.includes('\0') ||
    path.split('/').some((part) => /^\.\.?$/.test(part))
  )
    throw span.error(
      'MB_CONFIG',
      `cgroup: ${quote(path)} is no path of a cgroup`,
      'write it as /proc/PID/cgroup shows it after 0::',
    )
  return `/${path.split('/').filter(Boolean).join('/')}`
}
