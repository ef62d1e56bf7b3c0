/** Counts of system calls by number, as bpf/stats.bpf.c keeps them for each CPU, to counts by name. Pure. */
import type { CallCounts } from '../report/activity.ts'
import type { Architecture } from '../rules/architecture.ts'
import { syscallName } from '../rules/names/syscalls.ts'

/** CALL_NUMBERS of bpf/skipped-call.h; FOREIGN_CALL and UNKNOWN_CALL have places after them. */
const CALL_NUMBERS = 512
const PLACES = CALL_NUMBERS + 2
const FOREIGN = CALL_NUMBERS

/** Bytes of struct calls: two u64 a place, what succeeded and what failed. */
export const CALLS_SIZE = PLACES * 2 * 8

/** Of calls that were made; by name. */
export function countsByCall(perCpu: BigUint64Array, architecture: Architecture): CallCounts[] {
  const totals = new BigUint64Array(PLACES * 2)
  perCpu.forEach((count, at) => {
    // Most are 0, and there may be hundreds of CPUs.
    if (count !== 0n) totals[at % totals.length]! += count
  })
  const counts: CallCounts[] = []
  for (let place = 0; place < PLACES; place++) {
    const succeeded = totals[2 * place]!
    const failed = totals[2 * place + 1]!
    if (succeeded + failed > 0n)
      counts.push({ name: nameOf(place, architecture), succeeded, failed })
  }
  return counts.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** No name begins with a digit or is `unknown`: these are none of the native calls. */
function nameOf(place: number, architecture: Architecture): string {
  if (place === FOREIGN) return '32-bit'
  if (place > FOREIGN) return 'unknown'
  return syscallName(place, architecture) ?? `${place}`
}
