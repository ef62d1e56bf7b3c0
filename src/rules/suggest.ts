/** What to say to a name that does not exist, or that was never called. */

import type { Architecture } from './rule.ts'

/** The known name that `text` most likely stands for; undefined where none is near. */
export function nearest(_text: string, _known: Iterable<string>): string | undefined {
  return undefined
}

/** How a C library function that is no system call is made of some: `fopen() calls openat`. */
export function libraryHint(_name: string, _arch: Architecture): string | undefined {
  return undefined
}

/** Why a system call that a rule names may never be made, and what to name instead. */
export function neverSeenHint(_name: string, _arch: Architecture): string | undefined {
  return undefined
}
