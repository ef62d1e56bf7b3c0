/** A whole file, as it was at one moment. */
import { MinderbinderError } from '../errors.ts'

/** What of a FileHandle is used. */
export interface Readable {
  stat(options: { bigint: true }): Promise<{
    readonly size: bigint
    readonly mtimeNs: bigint
    readonly ctimeNs: bigint
    isFile(): boolean
  }>
  read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number | null,
  ): Promise<{ readonly bytesRead: number }>
}

export interface Limits {
  /** For messages. */
  readonly path: string
  /** Bytes. */
  readonly limit: number
}

/** A file that changes without end is given up. */
const mostTries = 10

/**
 * Reads again if it has changed meanwhile. Pipes and terminals are read once, to their end.
 *
 * @throws {MinderbinderError} MB_CONFIG
 */
export async function readUnchanged(file: Readable, { path, limit }: Limits): Promise<Buffer> {
  for (let tries = 0; tries < mostTries; tries++) {
    const before = await file.stat({ bigint: true })
    const seekable = before.isFile()
    const bytes = await readAll(file, seekable, limit)
    if (bytes.length > limit)
      throw new MinderbinderError(
        'MB_CONFIG',
        `cannot read ${path}: it is larger than ${limit >> 20} MiB, the most for a configuration file`,
      )
    if (!seekable) return bytes
    const after = await file.stat({ bigint: true })
    const same =
      before.size === after.size &&
      before.mtimeNs === after.mtimeNs &&
      before.ctimeNs === after.ctimeNs &&
      BigInt(bytes.length) === after.size
    // In /proc and its like files have no size.
    if (same || after.size === 0n) return bytes
  }
  throw new MinderbinderError('MB_CONFIG', `cannot read ${path}: it keeps changing`)
}

/** Up to one byte more than the limit. */
async function readAll(file: Readable, seekable: boolean, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  while (length <= limit) {
    const chunk = Buffer.alloc(Math.min(1 << 16, limit + 1 - length))
    const { bytesRead } = await file.read(chunk, 0, chunk.length, seekable ? length : null)
    if (bytesRead === 0) break
    chunks.push(chunk.subarray(0, bytesRead))
    length += bytesRead
  }
  return Buffer.concat(chunks)
}
