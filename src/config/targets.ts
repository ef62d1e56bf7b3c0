/** `targets` and `inherit` of a rule; `process` is read with the other keys. */
import { quote, type Span } from '../rules/span.ts'
import { parseTargetName, type Target } from '../rules/target.ts'
import { parseInteger } from '../rules/values.ts'
import type { Fields } from './fields.ts'
import { targetKinds } from './schema.ts'

/** PID_MAX_LIMIT of include/linux/threads.h, on 64-bit machines. */
const highestPid = 2 ** 22

export interface Targeting {
  readonly targets?: readonly Target[]
  readonly inherit?: boolean
}

/** @throws {MinderbinderError} */
export function parseTargets(rule: Fields): Targeting {
  const items = rule.list('targets')
  const inherit = rule.has('inherit') && { inherit: !rule.isFalse('inherit') }
  if (!items) {
    if (inherit && !rule.has('process'))
      throw rule.error('inherit', 'inherit is about targets, and this rule has none')
    return { ...inherit }
  }
  if (rule.has('process'))
    throw rule.error('process', 'process and targets say the same: write one of them')
  if (items.length === 0)
    throw rule.error(
      'targets',
      'targets is an empty list',
      'leave it out to apply the rule to all processes',
    )
  return {
    targets: items.map(parseTarget),
    ...inherit,
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
        ? 'put a - before each to apply the rule to both'
        : `write one of ${targetKinds.join(', ')}`,
    )
  const span = item.span(kind)!
  switch (kind) {
    case 'process_name':
      return { kind: 'name', name: parseTargetName(span, 'process_name') }
    case 'pid':
      return { kind: 'pid', pid: parseInteger(span, 'pid', 2, highestPid) }
    case 'uid':
      // (uid_t) -1 is not a user (setreuid(2)).
      return { kind: 'uid', uid: parseInteger(span, 'uid', 0, 2 ** 32 - 2) }
    case 'cgroup':
      return { kind: 'cgroup', path: parseCgroup(span) }
  }
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
      `cgroup: ${quote(path)} is not the path of a cgroup`,
      'write it as /proc/PID/cgroup shows it after 0::',
    )
  return `/${path.split('/').filter(Boolean).join('/')}`
}
