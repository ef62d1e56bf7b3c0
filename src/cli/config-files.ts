/** Configuration files from disk or standard input, to rules. */
import { isUtf8 } from 'node:buffer'
import { constants, fstat, read } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { type ConfigSource, parseConfig } from '../config/config.ts'
import { MinderbinderError } from '../errors.ts'
import { architecture } from '../kernel/architecture.ts'
import { errnoText } from '../rules/names/errnos.ts'
import type { Rule } from '../rules/rule.ts'
import { callersDescriptor, namedDescriptor } from './caller-descriptors.ts'
import { type Readable, readUnchanged } from './read-unchanged.ts'

/** Bytes: twice what 4,096 rules need that say everything. The parser takes seconds for more. */
const longestConfig = 2 << 20

export interface ReadOptions {
  /** Pipes and standard input are not there to be read: exec gives them to its command. */
  readonly filesOnly?: boolean
}

/**
 * The rules of these files, in their order; `-` is standard input.
 *
 * @throws {MinderbinderError} MB_CONFIG
 */
export async function readConfig(
  paths: readonly string[],
  options: ReadOptions = {},
): Promise<readonly Rule[]> {
  if (paths.filter((path) => path === '-').length > 1)
    throw new MinderbinderError('MB_CONFIG', 'standard input (-) can be read once only')
  const sources: ConfigSource[] = []
  for (const path of paths)
    sources.push({ name: path, text: decode(path, await bytesOf(path, options)) })
  return parseConfig(sources, { arch: architecture }, { keepsGiven: options.filesOnly === true })
}

async function bytesOf(path: string, { filesOnly = false }: ReadOptions): Promise<Buffer> {
  if (path === '-' && filesOnly)
    throw unreadable('standard input (-)', 'it belongs to the command', notForExec)
  let handle: FileHandle | undefined
  try {
    if (path === '-') return await readUnchanged(standardInput, { path, limit: longestConfig })
    handle = await open(placeOf(path, filesOnly), openFlags(filesOnly))
    const status = await handle.stat()
    if (status.isDirectory()) throw unreadable(path, 'it is a directory')
    if (filesOnly && !status.isFile())
      throw unreadable(path, 'it is not a regular file', notForExec)
    return await readUnchanged(handle, { path, limit: longestConfig })
  } catch (error) {
    if (error instanceof MinderbinderError) throw error
    throw unreadable(path, errnoText(-Number((error as NodeJS.ErrnoException).errno)))
  } finally {
    await handle?.close()
  }
}

/** By a name of the caller's descriptors one of this process's own would be opened. */
function placeOf(path: string, filesOnly: boolean): string {
  const number = namedDescriptor(path)
  if (number === undefined) return path
  const own = callersDescriptor(number)
  if (own === undefined)
    throw unreadable(path, 'it is not open', filesOnly ? notForExec : undefined)
  return `/proc/self/fd/${own}`
}

/** Its descriptor, not /dev/stdin: a socket cannot be opened. */
const standardInput: Readable = {
  stat: (options) => promisify(fstat)(0, options),
  read: (buffer, offset, length, position) => promisify(read)(0, buffer, offset, length, position),
}

const notForExec = 'exec gives its standard input and its pipes to the command: write a file'

/** A pipe whose writer never comes would keep exec waiting where no signal ends it. */
function openFlags(filesOnly: boolean): number {
  return constants.O_RDONLY | constants.O_NOCTTY | (filesOnly ? constants.O_NONBLOCK : 0)
}

function unreadable(path: string, why: string, hint?: string): MinderbinderError {
  return new MinderbinderError('MB_CONFIG', `cannot read ${path}: ${why}`, {
    ...(hint !== undefined && { hint }),
  })
}

function decode(path: string, bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8')
  let line = 1
  for (let at = 0; at < bytes.length; line++) {
    const end = bytes.indexOf('\n', at)
    const next = end < 0 ? bytes.length : end + 1
    if (!isUtf8(bytes.subarray(at, next))) break
    at = next
  }
  const utf16 = bytes[0] === 0xff || bytes[0] === 0xfe
  throw new MinderbinderError('MB_CONFIG', `${path}:${line}: this is not UTF-8 text`, {
    ...(utf16 && { hint: 'it looks like UTF-16: save it as UTF-8' }),
  })
}
