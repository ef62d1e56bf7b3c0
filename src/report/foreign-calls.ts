/** System calls of a foreign ABI (32-bit, x32): a note, if there were any. */
import { counted } from '../rules/words/numbers.ts'

export function foreignCallNotes(foreignCalls: bigint): readonly string[] {
  if (foreignCalls === 0n) return []
  return [
    `${counted(foreignCalls, '32-bit system call')} bypassed the rules, which name 64-bit ones`,
  ]
}
