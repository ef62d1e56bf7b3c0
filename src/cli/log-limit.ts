/** `--log-limit SIZE`: how large a log may become. Targets decide how fast it grows. */
import { MinderbinderError } from '../errors.ts'

const defaultLimit = 2 ** 30

/** A few lines, so that there is a log at all. */
const least = 1024

const units: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }

/** Bytes. @throws {MinderbinderError} MB_USAGE */
export function parseLogLimit(text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,15})([kKmMgG]?)$/.exec(text) ?? []
  const bytes = digits === '' ? Number.NaN : Number(digits) * (units[unit.toUpperCase()] ?? 1)
  if (bytes >= least && bytes <= Number.MAX_SAFE_INTEGER) return bytes
  throw new MinderbinderError('MB_USAGE', `--log-limit: invalid size '${text}'`, {
    hint: `a size is a number of bytes, at least ${least}, and may end in K, M or G: 100M`,
  })
}

/** Of the options as given. @throws {MinderbinderError} MB_USAGE: there is no log to limit */
export function logLimitOf({ log, logLimit }: { log?: string; logLimit?: number }): number {
  if (log === undefined && logLimit !== undefined)
    throw new MinderbinderError('MB_USAGE', '--log-limit: there is no --log', {
      hint: 'name the file: --log FILE',
    })
  return logLimit ?? defaultLimit
}

/** As it could be typed: `1G`, `1500M`, `1025`. */
export function sizeText(bytes: number): string {
  const fitting = Object.entries(units).filter(([, size]) => bytes % size === 0)
  const [unit, size] = fitting.at(-1)!
  return `${bytes / size}${unit}`
}
