/** The other program that a program needs to start: that of its `#!` line, or a binary's dynamic loader. */
import { accessSync, closeSync, openSync, readSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** BINPRM_BUF_SIZE: more of a `#!` line the kernel does not read. */
const LINE_MAX = 256
/** Of an ELF file, where its program headers end in practice. */
const HEADERS_MAX = 4096
const PT_INTERP = 3

/** Where a command is looked for. */
export interface CommandSearch {
  /** PATH of the command's environment. */
  readonly path: string | undefined
  /** The command's directory. */
  readonly cwd: string
}

/** execvp(3): used if PATH is not set (exec_search() in src/launcher/stage/stage.c). */
const DEFAULT_PATH = '/bin:/usr/bin'

/** execve(2) fails with ENOENT if the command is missing, and if its interpreter is: the latter, or undefined. */
export function missingInterpreter(
  command: string,
  { path, cwd }: CommandSearch,
): string | undefined {
  const places = command.includes('/')
    ? [command]
    : (path ?? DEFAULT_PATH).split(':').map((folder) => join(folder, command))
  for (const place of places.map((each) => resolve(cwd, each))) {
    const interpreter = interpreterOf(place)
    if (interpreter !== undefined && !exists(resolve(cwd, interpreter))) return interpreter
  }
  return undefined
}

function exists(path: string): boolean {
  try {
    accessSync(path)
    return true
  } catch {
    return false
  }
}

function interpreterOf(path: string): string | undefined {
  const start = firstBytes(path)
  if (start.toString('latin1', 0, 2) === '#!') {
    const [line = ''] = start.toString('utf8', 2, LINE_MAX).split('\n')
    return /[^ \t]+/.exec(line)?.[0]
  }
  return start.toString('latin1', 0, 4) === '\x7fELF' ? elfInterpreter(start) : undefined
}

/** A 64-bit little-endian file's PT_INTERP: elf(5). */
function elfInterpreter(start: Buffer): string | undefined {
  if (start.length < 64 || start[4] !== 2 || start[5] !== 1) return undefined
  const [first, size, count] = [
    Number(start.readBigUInt64LE(32)),
    start.readUInt16LE(54),
    start.readUInt16LE(56),
  ]
  for (let index = 0; index < count; index++) {
    const header = first + index * size
    if (header + 40 > start.length) return undefined
    if (start.readUInt32LE(header) !== PT_INTERP) continue
    const offset = Number(start.readBigUInt64LE(header + 8))
    const length = Number(start.readBigUInt64LE(header + 32))
    return start.toString('utf8', offset, offset + length - 1) || undefined
  }
  return undefined
}

/** Only of a regular file: opening others may block or act. */
function firstBytes(path: string): Buffer {
  const bytes = Buffer.alloc(HEADERS_MAX)
  try {
    if (!statSync(path).isFile()) return Buffer.alloc(0)
    const fd = openSync(path, 'r')
    try {
      return bytes.subarray(0, readSync(fd, bytes))
    } finally {
      closeSync(fd)
    }
  } catch {
    return Buffer.alloc(0)
  }
}
