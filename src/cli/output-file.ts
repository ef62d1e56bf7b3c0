/** Files that the user names for our output. */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  type Stats,
  statSync,
} from 'node:fs'
import { MinderbinderError } from '../errors.ts'
import { sleep } from '../kernel/sleep.ts'
import { writeFully } from '../launch/descriptor.ts'
import { errnoText } from '../rules/names/errnos.ts'
import { callersDescriptor, namedDescriptor } from './caller-descriptors.ts'

/** Readable by its owner alone: a log shows a program's paths and addresses. */
const mode = 0o600

/** O_NONBLOCK: a FIFO that has no reader is waited for where signals are heard. */
const flags =
  constants.O_WRONLY |
  constants.O_CREAT |
  constants.O_TRUNC |
  constants.O_NOCTTY |
  constants.O_NONBLOCK

const READER_POLL_MS = 20

/**
 * Opened before the child starts, so that what cannot be written is known in time, and that the child cannot
 * put another file in its place. An error while the child runs waits until close(): it must not end the run.
 */
export class OutputFile {
  readonly path: string
  readonly fd: number
  #error: unknown

  private constructor(path: string, fd: number) {
    this.path = path
    this.fd = fd
  }

  /**
   * `-` is standard output. A descriptor of the caller's is used as it is: neither emptied nor reopened, which a socket
   * cannot be.
   *
   * @throws {MinderbinderError} MB_OUTPUT
   */
  static async open(path: string): Promise<OutputFile> {
    const number = path === '-' ? 1 : namedDescriptor(path)
    if (number === undefined) return new OutputFile(path, await openPath(path))
    const fd = callersDescriptor(number)
    if (fd === undefined)
      throw new MinderbinderError('MB_OUTPUT', `cannot write ${path}: it is not open`, {
        hint: `descriptor ${number} is closed; in a shell, ${number}>FILE opens it`,
      })
    if (!isOpenForWriting(fd))
      throw new MinderbinderError('MB_OUTPUT', `cannot write ${path}: it is open for reading only`)
    return new OutputFile(path, fd)
  }

  write(text: string): void {
    if (this.#error !== undefined) return
    try {
      writeFully(this.fd, Buffer.from(text))
    } catch (error) {
      this.#error = error
    }
  }

  /** @throws {MinderbinderError} MB_OUTPUT: not all of it could be written */
  close(): void {
    try {
      if (this.fd > 2) closeSync(this.fd)
    } catch (error) {
      this.#error ??= error
    }
    if (this.#error !== undefined) throw outputError(this.path, this.#error)
  }
}

/** By its status flags, octal, in /proc (proc(5)): to try it could send an empty message. */
function isOpenForWriting(fd: number): boolean {
  const [, flags] = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? []
  return (Number.parseInt(flags ?? '', 8) & (constants.O_WRONLY | constants.O_RDWR)) !== 0
}

export interface Outputs {
  readonly output: OutputFile | undefined
  readonly log: OutputFile | undefined
  readonly report: OutputFile | undefined
}

/** @throws {MinderbinderError} MB_OUTPUT */
export async function openOutputs(named: {
  readonly output: string | undefined
  readonly log: string | undefined
  readonly report: string | undefined
}): Promise<Outputs> {
  const opened: [option: string, file: OutputFile][] = []
  const open = async (option: keyof Outputs) => {
    const path = named[option]
    if (path === undefined) return undefined
    const file = await OutputFile.open(path)
    const [other] = opened.find(([, { fd }]) => sameFile(fstatSync(fd), fstatSync(file.fd))) ?? []
    if (other !== undefined)
      throw new MinderbinderError('MB_OUTPUT', `--${other} and --${option} are one file, ${path}`, {
        hint: 'they would overwrite each other: name two files',
      })
    opened.push([option, file])
    return file
  }
  return { output: await open('output'), log: await open('log'), report: await open('report') }
}

/** Terminals, pipes and /dev/null can take both. */
function sameFile(one: Stats, other: Stats): boolean {
  return one.isFile() && one.ino === other.ino && one.dev === other.dev
}

async function openPath(path: string): Promise<number> {
  for (;;) {
    try {
      const fd = openSync(path, flags, mode)
      if (!fstatSync(fd).isFIFO() || !isOurOwn(fd)) return fd
      closeSync(fd)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENXIO' || !isFifo(path))
        throw outputError(path, error)
      await sleep(READER_POLL_MS)
      continue
    }
    throw new MinderbinderError(
      'MB_OUTPUT',
      `cannot write ${path}: it is one of minderbinder's own pipes`,
    )
  }
}

function isFifo(path: string): boolean {
  try {
    return statSync(path).isFIFO()
  } catch {
    return false
  }
}

/** A link may lead to /proc/self/fd, under a name that nothing recognizes. */
function isOurOwn(fd: number): boolean {
  const opened = fstatSync(fd)
  return readdirSync('/proc/self/fd').some((name) => {
    const own = Number(name)
    if (own <= 2 || own === fd) return false
    try {
      const { ino, dev } = fstatSync(own)
      return ino === opened.ino && dev === opened.dev
    } catch {
      return false // the folder itself, closed by now
    }
  })
}

function outputError(path: string, error: unknown): MinderbinderError {
  const errno = -Number((error as NodeJS.ErrnoException).errno)
  return new MinderbinderError('MB_OUTPUT', `cannot write ${path}: ${errnoText(errno)}`)
}
