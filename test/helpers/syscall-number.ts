/** System calls by the names that they have here. */
import { syscallNumber } from '../../src/rules/names/syscalls.ts'

const number = (name: string) => syscallNumber(name, process.arch === 'arm64' ? 'arm64' : 'x86_64')

/** Its number, as an argument for test/fixtures/syscall.c. */
export function call(name: string): string {
  const here = number(name)
  if (here === undefined) throw new Error(`no system call ${name} here`)
  return `${here}`
}

/** Those that there are here, for a rule: arm64 has mkdirat, and no mkdir. */
export function callsHere(...names: readonly string[]): string {
  const here = names.filter((name) => number(name) !== undefined)
  if (here.length === 0) throw new Error(`no system call of ${names} here`)
  return here.join('+')
}
