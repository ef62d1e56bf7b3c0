/** Which processes a rule is for. */
import { printable, quote, type Span } from './span.ts'

/**
 * A name is compared with a process's comm, the base name of its argv[0], of its
 * executable and, for a script, of the script, as they are when it execs.
 */
export type Target =
  /** A glob where it has one of `*?[`, else to the letter. 1 to 255 bytes. */
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'pid'; readonly pid: number }
  /** Real user id. */
  | { readonly kind: 'uid'; readonly uid: number }
  /** Path below the root of the cgroup v2 hierarchy, with a slash in front; all below it too. */
  | { readonly kind: 'cgroup'; readonly path: string }

/** Bytes: NAME_MAX of limits.h, and TARGET_NAME_MAX in bpf/rule.h without its NUL. */
const longestName = 255

/** @param what the user calls it, for errors; @param name what the span stands for */
export function parseTargetName(span: Span, what: string, name: string = span.text): string {
  if (name === '') throw span.error('MB_FAULT_VALUE', `${what} is empty`)
  if (name.includes('/'))
    throw span.error(
      'MB_FAULT_VALUE',
      `${what}: ${quote(name)} has a / in it`,
      'only the last part of a path is compared: write that',
    )
  if (name !== printable(name))
    throw span.error('MB_FAULT_VALUE', `${what} has a control character in it`)
  if (Buffer.byteLength(name) > longestName)
    throw span.error('MB_FAULT_VALUE', `${what} is longer than ${longestName} bytes`)
  return name
}
