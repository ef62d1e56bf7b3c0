/** `minderbinder list syscalls|errnos|families [--json]`: every name that a fault can use. */

import { MinderbinderError } from '../errors.ts'
import type { Architecture } from '../rules/architecture.ts'
import { notFaultable } from '../rules/faultable.ts'
import { type Errno, errnoAliases, errnos } from '../rules/names/errnos.ts'
import { type Family, families, familiesOf } from '../rules/names/families.ts'
import { nearest } from '../rules/names/suggest.ts'
import { syscallNames, syscallNumber } from '../rules/names/syscalls.ts'
import { type Outcome, outcomeKinds } from '../rules/outcomes/index.ts'

/** An element of `list syscalls --json`. */
export interface ListedSyscall {
  readonly name: string
  /** On this machine's architecture. */
  readonly number: number
  /** With the %. */
  readonly families: readonly string[]
  /** What a fault can do to it; nothing where no fault can name it. */
  readonly outcomes: readonly Outcome['kind'][]
  /** Why no fault can name it; null where one can. */
  readonly notFaultable: string | null
}

/** An element of `list errnos --json`. */
export interface ListedErrno extends Errno {
  readonly aliases: readonly string[]
}

/** An element of `list families --json`; the name with the %. */
export type ListedFamily = Family

/**
 * The text to print, newline included: an item a line with its name first, or with `json` one array of
 * ListedSyscall, ListedErrno or ListedFamily, whose keys are stable within a major version. The text names no
 * members of a family: `list syscalls` names the families of each call, and so `grep -w` finds them.
 *
 * @throws {MinderbinderError} MB_USAGE if `what` is not a list
 */
export function list(what: string, options: { json: boolean }, arch: Architecture): string {
  const make = Object.hasOwn(lists, what) ? lists[what as keyof typeof lists] : undefined
  if (make === undefined) throw unknownList(what)
  const { items, rows } = make(arch)
  return options.json ? `${JSON.stringify(items, undefined, 2)}\n` : table(rows)
}

const lists = { syscalls: listSyscalls, errnos: listErrnos, families: listFamilies }

interface Listing {
  readonly items: readonly object[]
  readonly rows: readonly (readonly string[])[]
}

function listSyscalls(arch: Architecture): Listing {
  const items = syscallNames(arch)
    .map((name) => listedSyscall(name, arch))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return { items, rows: items.map((item) => [item.name, `${item.number}`, remark(item)]) }
}

function listedSyscall(name: string, arch: Architecture): ListedSyscall {
  const reason = notFaultable(name, arch)
  return {
    name,
    number: syscallNumber(name, arch)!,
    families: familiesOf(name, arch).map((family) => `%${family}`),
    outcomes: outcomeKinds.flatMap((row) =>
      reason === undefined && row.refuses(name) === undefined ? [row.kind] : [],
    ),
    notFaultable: reason ?? null,
  }
}

function remark(item: ListedSyscall): string {
  if (item.notFaultable !== null) return `not faultable: ${item.notFaultable}`
  if (!item.outcomes.includes('errno')) return `${item.outcomes.join(' and ')} only`
  return item.families.join(' ')
}

function listErrnos(): Listing {
  const items = errnos.map((errno): ListedErrno => ({ ...errno, aliases: errnoAliases(errno) }))
  const rows = items.map(({ name, number, description, aliases }) => [
    name,
    `${number}`,
    [description, ...aliases.map((alias) => `(also ${alias})`)].join(' '),
  ])
  return { items, rows }
}

function listFamilies(arch: Architecture): Listing {
  const items = [...families(arch).values()].map(
    (family): ListedFamily => ({ ...family, name: `%${family.name}` }),
  )
  const rows = items.map(({ name, description, members, leftOut }) => [
    name,
    `${members.length}`,
    leftOut.length === 0 ? description : `${description}; not ${leftOut.join(' ')}`,
  ])
  return { items, rows }
}

/** Columns two blanks apart, no blanks at the end of a line. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]!.length)),
  )
  const line = (row: readonly string[]) =>
    row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('')
}

function unknownList(what: string): MinderbinderError {
  const names = Object.keys(lists)
  const near = nearest(what, names)
  const hint = near ? `did you mean ${near}?` : `the lists are ${names.join(', ')}`
  if (what === '') return new MinderbinderError('MB_USAGE', 'list: which list is missing', { hint })
  return new MinderbinderError('MB_USAGE', `list: there is no list of '${what}'`, { hint })
}
