import { readFileSync } from 'node:fs'

let symbols: string | undefined

/** The text of /proc/kallsyms, read once: a line for each function of the kernel; '' where it shows none. */
export function kernelSymbols(): string {
  symbols ??= read()
  return symbols
}

function read(): string {
  try {
    return readFileSync('/proc/kallsyms', 'latin1')
  } catch {
    return ''
  }
}
