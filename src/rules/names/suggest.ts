/** What to say to a name that does not exist, or that was never called. */

import type { Architecture } from '../architecture.ts'
import { listNames } from '../words/lists.ts'
import { families } from './families.ts'
import {
  callsInstead,
  callsOfFunction,
  genericCallFor,
  ringGoesPast,
  silent,
  throughRing,
} from './library-calls.ts'
import { syscallNumber } from './syscalls.ts'

/** The known name that `text` most likely stands for, in any case of letters; undefined if none is near. */
export function nearest(text: string, known: Iterable<string>): string | undefined {
  // As the kernel's sources, <sys/syscall.h> and kprobes spell it: __x64_sys_openat, SYS_openat, __NR_openat.
  const wanted = text.toLowerCase().replace(/^(__nr_|(__(x64|arm64)_)?sys_)/, '')
  let best: { name: string; score: number } | undefined
  for (const name of known) {
    const score = unlikeness(wanted, name.toLowerCase())
    if (score !== undefined && (best === undefined || score < best.score)) best = { name, score }
  }
  return best?.name
}

/** 0 for the same word, more the further they are apart; undefined if no one would mistake them. */
function unlikeness(text: string, name: string): number | undefined {
  // Names are often cut short (exec, getdent): a beginning counts as one mistake, and the shortest name wins.
  if (text.length >= 3 && name.startsWith(text)) return 1 + (name.length - text.length) / 100
  const allowed = Math.min(3, Math.ceil(Math.min(text.length, name.length) / 3))
  if (Math.abs(text.length - name.length) > allowed) return undefined
  const distance = editDistance(text, name)
  if (distance > allowed || distance >= text.length) return undefined
  // Of names at the same distance, the one that begins alike: typos are rarest in the first letters.
  return distance - commonPrefix(text, name) / 100
}

function commonPrefix(a: string, b: string): number {
  let length = 0
  while (length < a.length && a[length] === b[length]) length++
  return length
}

/**
 * How many letters to insert, delete, replace or swap with their neighbour to make `b` of `a`: the restricted
 * Damerau-Levenshtein distance.
 */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, beforeLast[j - 2]! + 1)
      row.push(cost)
    }
    beforeLast = last
    last = row
  }
  return last[b.length]!
}

/**
 * Which system calls a C library function makes that is none itself on this architecture: `fopen() calls
 * openat`, and on arm64 `open() calls openat`. Undefined for system calls and for unknown functions.
 */
export function libraryHint(name: string, arch: Architecture): string | undefined {
  if (syscallNumber(name, arch) !== undefined) return undefined
  const steps = (callsOfFunction.get(name) ?? genericCallFor.get(name) ?? [])
    .map((step) => listNames(native(step.split('|'), arch), 'or'))
    .filter((step) => step !== '')
  return steps.length === 0 ? undefined : `${name}() calls ${listNames(steps, 'and')}`
}

/** The calls themselves, or what stands in for them on an architecture that never had them. */
function native(calls: readonly string[], arch: Architecture): readonly string[] {
  const here = calls.flatMap((call) =>
    syscallNumber(call, arch) === undefined ? (genericCallFor.get(call) ?? []) : [call],
  )
  return [...new Set(here)]
}

/**
 * Why a program may never make a system call that a rule names, and what it makes instead. Completes
 * `open was never called: …` with `glibc's open() calls openat (%open names both)`. Undefined if nothing
 * is known.
 *
 * @param had what the rule names already
 */
export function neverSeenHint(
  name: string,
  arch: Architecture,
  had: readonly string[] = [],
): string | undefined {
  const why = silent.get(name)
  if (why !== undefined) return why
  const past = throughRing.has(name) ? ringGoesPast : undefined
  const [who, all = '', purpose] = callsInstead.get(name) ?? []
  // musl's open() calls open, but not on arm64.
  const calls = all
    .split(' ')
    .filter((call) => syscallNumber(call, arch) !== undefined && !had.includes(call))
  if (who === undefined || calls.length === 0) return past
  const family = smallFamilyOf([name, ...calls], arch)
  const instead = [
    who,
    listNames(calls, 'or'),
    ...(purpose === undefined ? [] : [purpose]),
    ...(family === undefined
      ? []
      : [`(%${family} names ${calls.length === 1 ? 'both' : 'them all'})`]),
  ].join(' ')
  return past === undefined ? instead : `${instead}; ${past}`
}

/** A family that has all `calls`, if one is small enough that a rule on it is still about the same thing. */
function smallFamilyOf(calls: readonly string[], arch: Architecture): string | undefined {
  const few = 10
  return [...families(arch).values()]
    .filter(({ members }) => members.length <= few && calls.every((call) => members.includes(call)))
    .sort((a, b) => a.members.length - b.members.length)[0]?.name
}
