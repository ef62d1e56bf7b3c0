/** SET: which system calls a fault is about. */

import type { Architecture } from './architecture.ts'
import { notFaultable } from './faultable.ts'
import { globMatches, isGlob } from './glob.ts'
import { families } from './names/families.ts'
import { libraryHint, nearest } from './names/suggest.ts'
import { onlyOnOther, syscallNames, syscallNumber } from './names/syscalls.ts'
import type { LeftOut } from './rule.ts'
import { quote, type Span } from './span.ts'

/** The members of a SET: those that were named have to be faulted, those of a family or a glob where they can be. */
export interface CallSet {
  /** By name, with the place that named each. */
  readonly named: ReadonlyMap<string, Span>
  readonly fromKinds: ReadonlySet<string>
  readonly leftOut: readonly LeftOut[]
}

/** `openat`, `open+openat`, `%file`, `%open+statx`, `sched_*`. */
export function parseSet(span: Span, arch: Architecture): CallSet {
  if (span.length === 0)
    throw span.error(
      'MB_FAULT_SYNTAX',
      'the system call is missing',
      'write SET=OUTCOME, such as openat=ENOENT',
    )
  return parseMembers(span.split('+'), arch)
}

/** One name, %family or glob a part. */
export function parseMembers(parts: readonly Span[], arch: Architecture): CallSet {
  const named = new Map<string, Span>()
  const fromKinds = new Set<string>()
  const leftOut = new Map<string, LeftOut>()
  for (const part of parts) {
    const kind = kindOf(part, arch)
    if (!kind) {
      named.set(part.text, checkCall(part, arch))
      continue
    }
    for (const name of kind.members) fromKinds.add(name)
    for (const name of kind.leftOut) leftOut.set(name, { name, reason: leftOutReason(name, arch) })
  }
  for (const name of named.keys()) leftOut.delete(name)
  return { named, fromKinds, leftOut: [...leftOut.values()] }
}

/** Of a part that stands for all calls of a kind: those that a rule names, and those that none can. */
interface Kind {
  readonly members: readonly string[]
  readonly leftOut: readonly string[]
}

function kindOf(part: Span, arch: Architecture): Kind | undefined {
  if (part.text.startsWith('%')) return familyOf(part, arch)
  return isGlob(part.text) ? matchesOf(part, arch) : undefined
}

function familyOf(part: Span, arch: Architecture): Kind {
  const family = families(arch).get(part.text.slice(1))
  if (!family) throw unknownFamily(part, arch)
  if (family.members.length === 0)
    throw part.error('MB_FAULT_VALUE', `${arch} has no system call of the family ${part.text}`)
  return family
}

function matchesOf(part: Span, arch: Architecture): Kind {
  const matches = callsLike(part.text, arch)
  const [first] = matches
  if (first === undefined)
    throw part.error(
      'MB_UNKNOWN_NAME',
      `no system call of ${arch} matches ${quote(part.text)}`,
      globHint(part.text, arch),
    )
  const members = matches.filter((name) => notFaultable(name, arch) === undefined)
  if (members.length === 0)
    throw part.error(
      'MB_NOT_FAULTABLE',
      `nothing that matches ${quote(part.text)} can be faulted: ${first}: ${notFaultable(first, arch)}`,
    )
  return { members, leftOut: matches.filter((name) => !members.includes(name)) }
}

function callsLike(glob: string, arch: Architecture): readonly string[] {
  return syscallNames(arch).filter((name) => globMatches(glob, name))
}

/** The same glob with a beginning that some names have, or a name that is near. */
function globHint(glob: string, arch: Architecture): string {
  const [start = ''] = /^[^*?[\\]*/.exec(glob) ?? []
  const names = syscallNames(arch)
  const starts = names.flatMap((name) => [0, 1, -1].map((by) => name.slice(0, start.length + by)))
  const near = start.length < 3 ? undefined : nearest(start, new Set(starts))
  const better = near === undefined ? undefined : near + glob.slice(start.length)
  if (better !== undefined && callsLike(better, arch).length > 0)
    return `did you mean ${quote(better)}?`
  const plain = nearest(glob.replaceAll(/[*?[\]\\]/g, ''), names)
  return plain ? `did you mean ${plain}?` : 'minderbinder list syscalls names them all'
}

function leftOutReason(name: string, arch: Architecture): string {
  return notFaultable(name, arch) ?? 'a call that ends its caller never returns'
}

/** The same place, where it names a system call that can be faulted. */
export function checkCall(span: Span, arch: Architecture): Span {
  const name = span.text
  if (name === '') throw span.error('MB_FAULT_SYNTAX', 'the name of a system call is missing')
  if (syscallNumber(name, arch) === undefined) throw unknownCall(span, arch)
  const reason = notFaultable(name, arch)
  if (reason) throw span.error('MB_NOT_FAULTABLE', `${name} cannot be faulted: ${reason}`)
  return span
}

function unknownCall(span: Span, arch: Architecture) {
  const name = span.text
  const other = onlyOnOther(name, arch)
  if (other)
    return span.error(
      'MB_UNKNOWN_NAME',
      `${arch} has no system call ${quote(name)} (${other} has)`,
      libraryHint(name, arch) ?? suggestion(name, arch),
    )
  return span.error(
    'MB_UNKNOWN_NAME',
    `unknown system call ${quote(name)}`,
    libraryHint(name, arch) ?? suggestion(name, arch),
  )
}

function suggestion(name: string, arch: Architecture): string {
  if (/[$^]|^\//.test(name))
    return "--syscall takes globs, such as 'open*=EIO': --inject takes a regular expression, such as /^open/:error=EIO"
  if (families(arch).has(name)) return `did you mean the family %${name}?`
  const near = nearest(name, syscallNames(arch))
  return near ? `did you mean ${near}?` : 'minderbinder list syscalls names them all'
}

export function unknownFamily(span: Span, arch: Architecture) {
  const word = span.text.slice(1)
  const near = nearest(word, families(arch).keys())
  const kin = word.length < 3 ? [] : syscallNames(arch).filter((name) => name.startsWith(word))
  const few = 6
  return span.error(
    'MB_UNKNOWN_NAME',
    `unknown family ${quote(span.text)}`,
    near
      ? `did you mean %${near}?`
      : kin.length > 0 && kin.length <= few
        ? `did you mean ${kin.join('+')}?`
        : 'minderbinder list families names them all',
  )
}
