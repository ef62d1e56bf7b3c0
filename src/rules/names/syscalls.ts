/** System calls by name and number, on each architecture that the launcher is built for. */

import type { Architecture } from '../architecture.ts'
import { syscallTable } from './syscall-table.ts'

interface Names {
  readonly numbers: ReadonlyMap<string, number>
  readonly names: ReadonlyMap<number, string>
  /** By number. */
  readonly sorted: readonly string[]
}

function column(index: 1 | 2): Names {
  const present = syscallTable
    .trim()
    .split('\n')
    .map((line) => line.split(' ') as [name: string, x86_64: string, arm64: string])
    .filter((row) => row[index] !== '-')
    .map((row): [string, number] => [row[0], Number(row[index])])
    .sort((a, b) => a[1] - b[1])
  return {
    numbers: new Map(present),
    names: new Map(present.map(([name, number]) => [number, name])),
    sorted: present.map(([name]) => name),
  }
}

/** Made when first asked for: a run needs one of them. */
const made: Partial<Record<Architecture, Names>> = {}

function names(arch: Architecture): Names {
  made[arch] ??= column(arch === 'x86_64' ? 1 : 2)
  return made[arch]
}

/** The native number of `name`; undefined if this architecture has no such call. */
export function syscallNumber(name: string, arch: Architecture): number | undefined {
  return names(arch).numbers.get(name)
}

export function syscallName(number: number, arch: Architecture): string | undefined {
  return names(arch).names.get(number)
}

/** Every name that this architecture has, by ascending number. */
export function syscallNames(arch: Architecture): readonly string[] {
  return names(arch).sorted
}

/** The architecture that has `name`, where `arch` has not: x86_64 for `open` on arm64. */
export function onlyOnOther(name: string, arch: Architecture): Architecture | undefined {
  const other = arch === 'x86_64' ? 'arm64' : 'x86_64'
  if (syscallNumber(name, arch) !== undefined) return undefined
  return syscallNumber(name, other) === undefined ? undefined : other
}
