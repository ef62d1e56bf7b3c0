/** System calls by name and number, on each architecture that the launcher is built for. */

import type { Architecture } from './rule.ts'
import { syscallTable } from './syscall-table.ts'

interface Names {
  readonly numbers: ReadonlyMap<string, number>
  readonly names: ReadonlyMap<number, string>
  /** By number. */
  readonly sorted: readonly string[]
}

const rows = syscallTable
  .trim()
  .split('\n')
  .map((line) => line.split(' ') as [name: string, x86_64: string, arm64: string])

function column(index: 1 | 2): Names {
  const present = rows
    .filter((row) => row[index] !== '-')
    .map((row): [string, number] => [row[0], Number(row[index])])
    .sort((a, b) => a[1] - b[1])
  return {
    numbers: new Map(present),
    names: new Map(present.map(([name, number]) => [number, name])),
    sorted: present.map(([name]) => name),
  }
}

const byArchitecture: Readonly<Record<Architecture, Names>> = {
  x86_64: column(1),
  arm64: column(2),
}

/** The native number of `name`; undefined where this architecture has no such call. */
export function syscallNumber(name: string, arch: Architecture): number | undefined {
  return byArchitecture[arch].numbers.get(name)
}

export function syscallName(number: number, arch: Architecture): string | undefined {
  return byArchitecture[arch].names.get(number)
}

/** Every name that this architecture has, by ascending number. */
export function syscallNames(arch: Architecture): readonly string[] {
  return byArchitecture[arch].sorted
}

/** The architecture that has `name`, where `arch` has not: x86_64 for `open` on arm64. */
export function onlyOnOther(name: string, arch: Architecture): Architecture | undefined {
  const other = arch === 'x86_64' ? 'arm64' : 'x86_64'
  if (syscallNumber(name, arch) !== undefined) return undefined
  return syscallNumber(name, other) === undefined ? undefined : other
}
