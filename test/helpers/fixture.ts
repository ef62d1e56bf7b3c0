/** Programs in C that tests run, compiled once for each way they are wanted. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs'

const sources = new URL('../fixtures/', import.meta.url)
const build = new URL('../../build/fixtures/', import.meta.url)

export interface FixtureOptions {
  /** How it is linked; the compiler's own default is a PIE. */
  readonly link?:
    | 'pie'
    | 'no-pie'
    | 'static'
    | 'static-pie'
    | 'shared'
    | 'no-libc'
    | 'no-libc-32-bit'
  readonly defines?: readonly string[]
}

const noLibc = [
  '-nostdlib',
  '-static',
  '-ffreestanding',
  '-fno-stack-protector',
  '-fno-pic',
  '-no-pie',
]

/** What makes programs, without a C library, of the 32-bit architecture that the kernel also runs. */
export const compiler32 =
  process.arch === 'arm64'
    ? { command: 'arm-linux-gnueabihf-gcc', options: [...noLibc, '-marm'] }
    : { command: 'cc', options: [...noLibc, '-m32'] }

const linking: Readonly<Record<NonNullable<FixtureOptions['link']>, readonly string[]>> = {
  pie: ['-fPIE', '-pie'],
  'no-pie': ['-fno-pie', '-no-pie'],
  static: ['-static', '-no-pie'],
  'static-pie': ['-static-pie', '-fPIE'],
  shared: ['-shared', '-fPIC'],
  'no-libc': noLibc,
  'no-libc-32-bit': compiler32.options,
}

/** Compiles test/fixtures/NAME.c where that has not been done, and gives the path of the program. */
export function fixture(name: string, { link = 'pie', defines = [] }: FixtureOptions = {}): string {
  const source = new URL(`${name}.c`, sources).pathname
  const options = [
    ...['-std=gnu11', '-O1', '-Wall', '-Wextra', '-Werror', '-pthread'],
    ...linking[link],
    ...defines.map((define) => `-D${define}`),
  ]
  const key = createHash('sha256')
    .update(JSON.stringify([readFileSync(source, 'utf8'), headers(), options, process.arch]))
    .digest('hex')
  const program = new URL(`${name}-${link}-${key.slice(0, 12)}`, build).pathname
  if (existsSync(program)) return program
  mkdirSync(build, { recursive: true })
  // Test files run side by side: the last one replaces the same bytes.
  const temporary = `${program}.${process.pid}`
  const compiler = link === 'no-libc-32-bit' ? compiler32.command : 'cc'
  execFileSync(compiler, [...options, '-o', temporary, source])
  renameSync(temporary, program)
  return program
}

/** Any fixture may include them. */
function headers(): string[] {
  const names = readdirSync(sources).filter((name) => name.endsWith('.h'))
  return names.sort().map((name) => readFileSync(new URL(name, sources), 'utf8'))
}
