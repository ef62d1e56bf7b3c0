/** The number of a system call here, as an argument for test/fixtures/syscall.c. */
import { syscallNumber } from '../../src/rules/names/syscalls.ts'

export function call(name: string): string {
  const number = syscallNumber(name, process.arch === 'arm64' ? 'arm64' : 'x86_64')
  if (number === undefined) throw new Error(`no system call ${name} here`)
  return `${number}`
}
