/** path=GLOB, once or several times: only calls on such a file, by a path that they pass or by a descriptor. */
import { callShape } from '../names/shapes.ts'
import { addFlag, ruleFlags, ruleOffsets } from '../rule-layout.ts'
import type { Span } from '../span.ts'
import { listNames } from '../words/lists.ts'
import type { Key } from './key.ts'

export interface PathKey {
  /** Globs over the paths of a call, any of which matches. Never empty. */
  readonly paths?: readonly string[]
}

/** Bytes of all, with a NUL between two: RULE_PATH_MAX in bpf/rule.h. */
const longestPath = 255

export const path: Key<PathKey> = {
  name: 'path',
  several: true,
  faults: ['syscall'],
  narrows: true,
  brief: 'path=GLOB',
  field: {
    type: 'number or text',
    is: 'a glob, or a list of them',
    about:
      'Glob over the path arguments, as passed and made absolute, or over the file of a descriptor; of a list, any',
    examples: ['*.db', ['*.db', '*.db-wal']],
  },
  read: (value, { textOf }, others) =>
    value ? { paths: parsePaths([value, ...others], textOf) } : {},
  encode(row, { paths }) {
    if (paths === undefined) return
    addFlag(row, ruleFlags.path)
    row.write(paths.join('\0'), ruleOffsets.path, longestPath, 'utf8')
  },
  refuses(call) {
    const { paths, files, sockets } = callShape(call)
    if (paths.length + files.length > 0) return undefined
    const hint = 'a socket has its other side (port=N, to=ADDRESS), or a descriptor: fd=N'
    return { reason: 'no argument names a file', ...(sockets.length > 0 && { hint }) }
  },
  describe: ({ paths }) => paths && `a path that matches ${listNames(paths, 'or')}`,
  written: ({ paths }) => paths?.join(',path='),
  covers: (earlier, later) =>
    earlier.paths === undefined ||
    (later.paths?.every((narrow) =>
      earlier.paths?.some((wide) => wide === narrow || /^\*+$/.test(wide)),
    ) ??
      false),
}

function parsePaths(spans: readonly Span[], textOf: (span: Span) => string): readonly string[] {
  const paths = [...new Set(spans.map((span) => parsePath(span, textOf(span))))]
  const bytes = Buffer.byteLength(paths.join('\0'))
  if (bytes > longestPath)
    throw spans
      .at(-1)!
      .error(
        'MB_FAULT_VALUE',
        `path= is too long: ${bytes} bytes with the others (the limit is ${longestPath})`,
        'give a second rule for the others',
      )
  return paths
}

function parsePath(span: Span, text: string): string {
  if (text === '') throw span.error('MB_FAULT_VALUE', 'path= is empty', 'path=* is any path')
  if (text.includes('\0')) throw span.error('MB_FAULT_VALUE', 'path= has a NUL in it')
  const bytes = Buffer.byteLength(text)
  if (bytes > longestPath)
    throw span.error(
      'MB_FAULT_VALUE',
      `path= is too long: ${bytes} bytes (the limit is ${longestPath})`,
      'shorten it with *, which matches / too',
    )
  return text
}
