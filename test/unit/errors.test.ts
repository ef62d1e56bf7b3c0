/** The table of error codes: each can happen, is printed with its error, and is in the man page with its exit status. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { errorText } from '../../src/cli/error-text.ts'
import { execFailureStatus, failureStatus } from '../../src/cli/failure-status.ts'
import { type ErrorCode, errorCodes, MinderbinderError } from '../../src/errors.ts'

const root = new URL('../..', import.meta.url).pathname
const codes = Object.keys(errorCodes) as ErrorCode[]

test('each code is printed behind its message, before what explains it; those found with it have their own', () => {
  const more = [new MinderbinderError('MB_OUTPUT', 'second')]
  const excerpt = { text: 'openat', start: 0, length: 4 }
  for (const code of codes)
    assert.equal(
      errorText(new MinderbinderError(code, 'first', { hint: 'do', excerpt, more }), false),
      `minderbinder: first [${code}]\n  openat\n  ^^^^\nminderbinder: hint: do\nminderbinder: second [MB_OUTPUT]\n`,
    )
  assert.match(
    errorText(new TypeError('x'), false),
    /^minderbinder: internal error: x \[MB_INTERNAL\]\n/,
  )
})

test('the section ERRORS of the man page is the table, with the exit statuses', () => {
  const page = readFileSync(join(root, 'man/minderbinder.1'), 'utf8').replaceAll('\\-', '-')
  const [, section = ''] = /^\.SH ERRORS\n([\s\S]*?)^\.SH /m.exec(page) ?? []
  const entries = section.split('.TP\n').slice(1)
  assert.deepEqual(entries, codes.map(entryOf))
})

/** Only exec runs a command, and has errors of it. */
function entryOf(code: ErrorCode): string {
  const ofCommand = code.startsWith('MB_EXEC_')
  const statuses = [execFailureStatus(code), ...(ofCommand ? [] : [failureStatus(code)])]
  const text = errorCodes[code]
  return `.BR ${code} " (${statuses.join(', ')})"\n${text[0]!.toUpperCase()}${text.slice(1)}.\n`
}

test('each code belongs to an error that src makes', () => {
  const made = new Set<string>()
  for (const file of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue
    const text = readFileSync(join(root, 'src', file), 'utf8').replaceAll(
      /\/\*[\s\S]*?\*\/|\/\/.*/g,
      '',
    )
    // Span's error() makes one that points into the text.
    for (const [, code] of text.matchAll(
      /(?:new MinderbinderError|new LocatedError|\.error)\(\s*'(MB_\w+)'/g,
    ))
      made.add(code!)
  }
  assert.deepEqual([...made].sort(), [...codes].sort())
})
