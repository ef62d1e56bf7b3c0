/**
 * The caller's descriptors, by the names that a command line gives them. Here such a name would open one of this
 * process's own; the launcher hands over what its arguments name, and says where it is (src/launcher/front/descriptors.h).
 */
import { closeSync } from 'node:fs'
import { resolve } from 'node:path'

/** By the number that the caller knows. */
const handedOver: ReadonlyMap<number, number> = new Map(
  (process.env.MINDERBINDER_DESCRIPTORS ?? '')
    .split(' ')
    .filter((entry) => entry !== '')
    .map((entry) => entry.split(':').map(Number) as [number, number]),
)

const standard: Readonly<Record<string, number>> = {
  '/dev/stdin': 0,
  '/dev/stdout': 1,
  '/dev/stderr': 2,
}

/** The number of the caller's descriptor that this path names; undefined: it names none. */
export function namedDescriptor(path: string): number | undefined {
  const full = resolve(path)
  const [, digits] = /^\/(?:dev|proc\/(?:self|thread-self))\/fd\/(\d+)$/.exec(full) ?? []
  return digits === undefined ? standard[full] : Number(digits)
}

/** Where the caller's descriptor is in this process; undefined: the caller has none of that number. */
export function callersDescriptor(number: number): number | undefined {
  return handedOver.get(number)
}

/**
 * Closes what the launcher handed over and nothing has named for us: its reader must see its end when the command
 * closes it.
 */
export function closeOthers(used: ReadonlySet<number>): void {
  for (const fd of handedOver.values()) if (fd > 2 && !used.has(fd)) closeSync(fd)
}
