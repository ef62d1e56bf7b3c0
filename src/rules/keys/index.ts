/** The keys of faults, in the order in which they are listed. Each is a row, and a file of its own. */
import { type AfterKey, after } from './after.ts'
import { type DirKey, dir } from './dir.ts'
import { type FdKey, fd } from './fd.ts'
import { type ForKey, forTime } from './for.ts'
import { type InterfaceKey, interfaceName } from './interface.ts'
import { type CommonParts, everyFault, type FaultKind, type Key } from './key.ts'
import { type NameKey, name } from './name.ts'
import { type PathKey, path } from './path.ts'
import { type PortKey, port } from './port.ts'
import { type ProcessKey, process } from './process.ts'
import { type ProtoKey, proto } from './proto.ts'
import { type ScopeKey, scope } from './scope.ts'
import { type TimesKey, times } from './times.ts'
import { type ToKey, to } from './to.ts'
import { type WhenKey, when } from './when.ts'

/** What a rule has of its keys. */
export interface CommonKeys
  extends AfterKey,
    ForKey,
    WhenKey,
    TimesKey,
    ProtoKey,
    PortKey,
    ToKey,
    ProcessKey,
    NameKey {}
export interface SyscallKeys extends ScopeKey, PathKey, FdKey {}
export interface NetworkKeys extends DirKey, InterfaceKey {}

/** A key of a rule that may be of another kind of fault. */
export type AnyKey = Key<Partial<CommonKeys & SyscallKeys & NetworkKeys>>

const table: readonly AnyKey[] = [
  ...[after, forTime, when, times],
  ...[scope, path, fd],
  ...[proto, port, to],
  ...[dir, interfaceName],
  ...[process, name],
]

/** The faults of the network take the same keys: one that is for the other alone says so, or has no effect. */
export function keysOf(kind: FaultKind): readonly AnyKey[] {
  return kind === 'syscall' ? syscallTable : networkTable
}

const syscallTable = table.filter(({ faults }) => faults.includes('syscall'))
const networkTable = table.filter(({ faults }) => faults.some((fault) => fault !== 'syscall'))

export function keyNames(kind: FaultKind): string[] {
  return keysOf(kind).map(({ name }) => name)
}

/** Has every fault this key? */
export function isOfEveryFault({ faults }: AnyKey): boolean {
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
    ...keysOf(parts.kind).map((key) => {
      const [value, ...others] = parts.keys.get(key.name) ?? []
      return key.read(value, parts, others)
    }),
  )
}
