/** What may be behind a rule that did nothing, and what to write instead: only what helps with the reason given. */

import type { Architecture } from '../rules/architecture.ts'
import { neverSeenHint } from '../rules/names/suggest.ts'
import type { Rule } from '../rules/rule.ts'
import { type RunSoFar, shadowOf, targetsRan } from './run-so-far.ts'

/** Of a rule, at `index`, that has not fired. */
export function hintFor(run: RunSoFar, index: number, arch: Architecture): string | undefined {
  const rule = run.rules[index]!
  const { seen, matched, taken, unread } = run.counts[index]!
  if (matched > 0n) return undefined
  if (taken > 0n || (seen === 0n && shadowOf(run, index)))
    return `rules are tried in order, and the first that fires wins: put ${rule.label} first`
  if (rule.kind !== 'syscall') return undefined
  if (seen === 0n) return hintOfNeverSeen(run, index, arch)
  if (unread > 0n) return unreadable
  return firstOf(rule.paths ?? [], (path) => pathHint(path, run.nearPaths?.get(index) ?? []))
}

/** The same of an expression whose rules, at `indices`, all did nothing. */
export function hintForAll(
  run: RunSoFar,
  indices: readonly number[],
  arch: Architecture,
): string | undefined {
  const [first] = indices
  if (indices.length === 1 && first !== undefined) return hintFor(run, first, arch)
  const counts = indices.map((index) => run.counts[index]!)
  if (counts.some(({ seen, taken }) => seen + taken > 0n)) return undefined
  const names = indices.flatMap((index) => namesOf(run.rules[index]!))
  const few = 8 // of a class or an expression a hint about one call would be about the wrong one
  return names.length > few ? undefined : firstHint(names, names, arch)
}

const unreadable =
  'you may not read the memory of that program (its file is not readable, or it is not dumpable, as ssh-agent): root may'

/** For calls that the user named: a family says itself what it covers. */
function hintOfNeverSeen(run: RunSoFar, index: number, arch: Architecture): string | undefined {
  const rule = run.rules[index]!
  if (rule.kind !== 'syscall') return undefined
  const named = rule.set.split('+').filter((name) => rule.syscalls.includes(name))
  const hint = firstHint(named, rule.syscalls, arch)
  return hint !== undefined && rule.targets && !targetsRan(run, index)
    ? `if one ran: ${hint}`
    : hint
}

function firstOf<T>(items: readonly T[], hint: (item: T) => string | undefined) {
  return items.map(hint).find((each) => each !== undefined)
}

function firstHint(
  names: readonly string[],
  had: readonly string[],
  arch: Architecture,
): string | undefined {
  return firstOf(names, (name) => neverSeenHint(name, arch, had))
}

function namesOf(rule: Rule): readonly string[] {
  return rule.kind === 'syscall' ? rule.syscalls : []
}

const whole = 'path= is compared with the whole path'

/** The file may be in another folder: one glob can match both. */
function pathHint(path: string, near: readonly string[]): string | undefined {
  if (path.startsWith('!')) return 'path= cannot be negated: a ! is a part of the name'
  if (path.startsWith('*')) return undefined
  const name = near.map((other) => commonEnd(path, other)).find((end) => end !== undefined)
  if (name !== undefined && isPlain(name)) return `${whole}: path=*${name} matches both`
  if (near.length > 0) return undefined // the reason names them, and no glob of ours has both
  const base = path.slice(path.lastIndexOf('/') + 1)
  return isPlain(base) ? `${whole}: path=*${base} matches in any folder` : whole
}

/** The last components that two paths share; undefined if there are none, or the rest may differ by a glob. */
function commonEnd(one: string, other: string): string | undefined {
  const [a, b] = [one.split('/'), other.split('/')]
  let count = 0
  while (count < Math.min(a.length, b.length) && a.at(-1 - count) === b.at(-1 - count)) count++
  const end = a.slice(a.length - count).join('/')
  return end === '' ? undefined : end.replace(/^\/+/, '') || undefined
}

/** Neither empty nor anything that a glob, the grammar or a terminal takes for something else. */
function isPlain(name: string): boolean {
  return /^[\w.@~+/-]+$/.test(name)
}
