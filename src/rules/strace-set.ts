/** The sets of strace(1), "-e trace=syscall_set": names, numbers, %class, ?name, /regex, !, all, none. */

import type { Architecture } from './architecture.ts'
import { notFaultable } from './faultable.ts'
import { checkCall, unknownFamily } from './grammar-set.ts'
import { families } from './names/families.ts'
import { classes } from './names/family-table.ts'
import { syscallName, syscallNames, syscallNumber } from './names/syscalls.ts'
import { compileRegex } from './posix-regex.ts'
import type { LeftOut } from './rule.ts'
import { quote, type Span } from './span.ts'

export interface StraceSet {
  /** By name and sorted by it, each with its place in the text where it was named itself. */
  readonly calls: ReadonlyMap<string, Span | undefined>
  readonly leftOut: readonly LeftOut[]
}

/**
 * Calls that were named must be faultable; of a class, an expression or a negation the others are left out. Empty if
 * the set says so itself: none, !all, or names after a ? that this architecture does not have.
 */
export function parseStraceSet(span: Span, arch: Architecture): StraceSet {
  const list = span.slice(/^!*/.exec(span.text)![0].length)
  const negated = (span.length - list.length) % 2 === 1
  if (/^,*$/.test(list.text)) throw list.error('MB_FAULT_SYNTAX', 'the system call is missing')
  const chosen = new Map<string, Span | undefined>()
  for (const part of list.split(',')) {
    for (const name of wholeSet(list, arch) ?? membersOf(part, arch)) {
      const isNamed = !negated && name === nameIn(part, arch)
      if (isNamed || !chosen.has(name)) chosen.set(name, isNamed ? part : undefined)
    }
  }
  const names = negated ? syscallNames(arch).filter((name) => !chosen.has(name)) : chosen.keys()
  const calls = new Map<string, Span | undefined>()
  const leftOut: LeftOut[] = []
  for (const name of [...names].sort()) {
    const place = negated ? undefined : chosen.get(name)
    const reason = notFaultable(name, arch)
    if (reason === undefined) calls.set(name, place)
    else if (place) throw place.error('MB_NOT_FAULTABLE', `${name} cannot be faulted: ${reason}`)
    else leftOut.push({ name, reason })
  }
  const [first] = leftOut
  if (calls.size === 0 && first)
    throw span.error(
      'MB_NOT_FAULTABLE',
      `nothing in ${quote(span.text)} can be faulted: ${first.name}: ${first.reason}`,
    )
  return { calls, leftOut }
}

/** `all` and `none`, which stand alone. */
function wholeSet(list: Span, arch: Architecture): readonly string[] | undefined {
  return list.text === 'all' ? syscallNames(arch) : list.text === 'none' ? [] : undefined
}

function membersOf(part: Span, arch: Architecture): readonly string[] {
  const { text } = part
  if (text === '') return [] // strace, too, lets a comma stand alone
  if (text.startsWith('?')) return optional(part.slice(1), arch)
  if (text.startsWith('/')) return matchesOf(part, arch)
  if (text.startsWith('%')) {
    const family = families(arch).get(text.slice(1))
    if (!family) throw unknownFamily(part, arch)
    return [...family.members, ...family.leftOut]
  }
  const name = nameIn(part, arch)
  if (name !== undefined) return [name]
  // Older spelling of the classes, without the %.
  const family = isClass(text) ? families(arch).get(text) : undefined
  return family ? [...family.members, ...family.leftOut] : [checkCall(withoutAbi(part), arch).text]
}

function matchesOf(part: Span, arch: Architecture): readonly string[] {
  const names = syscallNames(arch).filter(compileRegex(part.slice(1)))
  if (names.length === 0)
    throw part.error('MB_UNKNOWN_NAME', `no system call of ${arch} matches ${quote(part.text)}`)
  return names
}

/** What follows one ?, or several. */
function optional(part: Span, arch: Architecture): readonly string[] {
  const { text } = part
  if (part.length === 0) throw part.error('MB_FAULT_SYNTAX', 'a name is missing after the ?')
  if (text.startsWith('?')) return optional(part.slice(1), arch)
  if (text.startsWith('/')) return syscallNames(arch).filter(compileRegex(part.slice(1)))
  const name = nameIn(part, arch)
  if (name !== undefined) return [name]
  return isClass(text.replace(/^%/, '')) ? membersOf(part, arch) : []
}

function isClass(name: string): boolean {
  return classes.some((each) => each.name === name)
}

/** The system call that a name or a number stands for; undefined if there is none. */
function nameIn(part: Span, arch: Architecture): string | undefined {
  const { text } = withoutAbi(part)
  if (/^\d{1,4}$/.test(text)) return syscallName(Number(text), arch)
  return syscallNumber(text, arch) === undefined ? undefined : text
}

/** `open@64` without its @64: calls of 64-bit programs are the only ones that are faulted. */
function withoutAbi(part: Span): Span {
  const [name, abi] = part.cut('@') ?? [part, undefined]
  if (abi && abi.text !== '64')
    throw abi.error(
      'MB_FAULT_VALUE',
      `${quote(`@${abi.text}`)} is not supported: only calls of 64-bit programs are faulted`,
    )
  return name
}
