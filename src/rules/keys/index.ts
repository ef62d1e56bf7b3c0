/** The keys of faults, in the order in which they are listed. Each is a row, and a file of its own. */
import type { CommonKeys, NetworkKeys, Rule, SyscallKeys } from '../rule.ts'
import { after } from './after.ts'
import { dir } from './dir.ts'
import { fd } from './fd.ts'
import { interfaceName } from './interface.ts'
import { type CommonParts, everyFault, type Key } from './key.ts'
import { name } from './name.ts'
import { path } from './path.ts'
import { port } from './port.ts'
import { proto } from './proto.ts'
import { scope } from './scope.ts'
import { times } from './times.ts'
import { to } from './to.ts'
import { when } from './when.ts'

const table: readonly Key[] = [
  ...[after, when, times],
  ...[scope, path, fd],
  ...[proto, port, to, dir, interfaceName],
  name,
]

/** The faults of the network take the same keys: one that is for the other alone says so, or has no effect. */
export function keysOf(kind: Rule['kind']): readonly Key[] {
  return kind === 'syscall' ? syscallTable : networkTable
}

const syscallTable = table.filter(({ faults }) => faults.includes('syscall'))
const networkTable = table.filter(({ faults }) => faults.some((fault) => fault !== 'syscall'))

export function keyNames(kind: Rule['kind']): string[] {
  return keysOf(kind).map(({ name }) => name)
}

/** Has every fault this key? */
export function isOfEveryFault({ faults }: Key): boolean {
  return faults.length === everyFault.length
}

/** What the keys of a fault say, those that it does not have included. */
export function readKeys(
  parts: CommonParts & { readonly kind: 'syscall' },
): CommonKeys & SyscallKeys
export function readKeys(parts: CommonParts): CommonKeys & NetworkKeys
export function readKeys(parts: CommonParts) {
  // The type cannot know that the rows together say all of it: the tests of the grammar do.
  return Object.assign(
    {},
    ...keysOf(parts.kind).map((key) => key.read(parts.keys.get(key.name), parts)),
  )
}
