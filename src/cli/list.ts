/** `minderbinder list syscalls|errnos|families [--json]`. */

import type { Architecture } from '../rules/rule.ts'

/** The text to print, newline included. Throws MB_USAGE where `what` is no list. */
export function list(_what: string, _options: { json: boolean }, _arch: Architecture): string {
  return ''
}
