/** What a user reads of an error. */
import { MinderbinderError } from '../errors.ts'
import { printable } from '../rules/span.ts'

/** Lines with their newlines; `debug` adds the detail, and the stack of a bug. */
export function errorText(error: unknown, debug: boolean): string {
  const known = knownError(error)
  const lines = [
    `minderbinder: ${printable(known.message)} [${known.code}]`,
    ...(known.excerpt ? caret(known.excerpt) : []),
    ...(known.hint === undefined ? [] : [`minderbinder: hint: ${printable(known.hint)}`]),
    ...(debug && known.detail !== undefined ? [known.detail] : []),
  ]
  const more = known.more.map((each) => errorText(each, debug))
  return lines.map((line) => `${line}\n`).join('') + more.join('')
}

/** The error itself, if it is meant for the user; else that it is a bug. */
export function knownError(error: unknown): MinderbinderError {
  if (error instanceof MinderbinderError) return error
  const message = error instanceof Error ? error.message : String(error)
  const stack = error instanceof Error ? error.stack : undefined
  return new MinderbinderError('MB_INTERNAL', `internal error: ${message}`, {
    hint: 'this is a bug: please report it with the output of the same command with --debug',
    ...(stack !== undefined && { detail: stack }),
  })
}

/** The text and a line of carets under its part; a missing part is one caret at its place. */
function caret({ text, start, length }: NonNullable<MinderbinderError['excerpt']>): string[] {
  const before = printable(text.slice(0, start))
  const part = printable(text.slice(start, start + length))
  const after = printable(text.slice(start + length))
  return [
    `  ${before}${part}${after}`,
    `  ${' '.repeat(columns(before))}${'^'.repeat(Math.max(1, columns(part)))}`,
  ]
}

function columns(text: string): number {
  return Array.from(text).length
}
