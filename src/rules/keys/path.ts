/** path=GLOB: only calls on such a file, by a path that they pass or by a descriptor. */
import { callShape } from '../names/shapes.ts'
import { addFlag, ruleFlags, ruleOffsets } from '../rule-layout.ts'
import type { Span } from '../span.ts'
import type { Key } from './key.ts'

export interface PathKey {
  /** Glob over the paths of a call. */
  readonly path?: string
}

/** Bytes, without the NUL: RULE_PATH_MAX in bpf/rule.h. */
const longestPath = 255

export const path: Key<PathKey> = {
  name: 'path',
  faults: ['syscall'],
  narrows: true,
  brief: 'path=GLOB',
  field: {
    type: 'number or text',
    is: 'a glob',
    about:
      'Glob over the path arguments, as passed and made absolute, or over the file of a descriptor',
  },
  read: (value, { textOf }) => (value ? { path: parsePath(value, textOf(value)) } : {}),
  encode(row, rule) {
    if (rule.path === undefined) return
    addFlag(row, ruleFlags.path)
    row.write(rule.path, ruleOffsets.path, longestPath, 'utf8')
  },
  refuses(call) {
    const { paths, files, sockets } = callShape(call)
    if (paths.length + files.length > 0) return undefined
    const hint = 'a socket has its other side (port=N, to=ADDRESS), or a descriptor: fd=N'
    return { reason: 'no argument of it is a file', ...(sockets.length > 0 && { hint }) }
  },
  describe: (rule) => rule.path && `a path that matches ${rule.path}`,
  written: (rule) => rule.path,
  covers: (earlier, later) =>
    earlier.path === undefined ||
    earlier.path === later.path ||
    (later.path !== undefined && /^\*+$/.test(earlier.path)),
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
