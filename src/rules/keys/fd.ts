/** fd=N+N: only calls on one of these descriptors. */
import { callShape } from '../names/shapes.ts'
import { ruleOffsets } from '../rule-layout.ts'
import { quote, type Span } from '../span.ts'
import { parseInteger } from '../values.ts'
import { listNames } from '../words/lists.ts'
import type { Key } from './key.ts'

export interface FdKey {
  /** Ascending, each once, never empty. */
  readonly fds?: readonly number[]
}

/** RULE_FDS_MAX in bpf/rule.h. */
const mostDescriptors = 8

export const fd: Key<FdKey> = {
  name: 'fd',
  several: true,
  faults: ['syscall'],
  narrows: true,
  brief: 'fd=N+N',
  field: {
    type: 'number or text',
    is: 'a descriptor, such as 3 or stdout, or several: 1+2',
    about: "The call's descriptor argument is one of these",
    examples: [3, '1+2', 'stdout', [1, 2]],
  },
  read: (value, _, others) => (value ? { fds: parseDescriptors([value, ...others]) } : {}),
  encode(row, { fds = [] }) {
    row.writeUInt32LE(fds.length, ruleOffsets.fd_count)
    for (let at = 0; at < mostDescriptors; at++)
      row.writeInt32LE(fds[at] ?? fds.at(-1) ?? 0, ruleOffsets.fds + 4 * at)
  },
  refuses: (call) =>
    callShape(call).fds.length > 0 ? undefined : { reason: 'no descriptor argument' },
  describe: ({ fds }) => fds && `descriptor ${listNames(fds.map(String), 'or')}`,
  written: ({ fds }) => fds?.join('+'),
  covers: (earlier, later) =>
    earlier.fds === undefined || (later.fds?.every((each) => earlier.fds?.includes(each)) ?? false),
}

const standardStreams: readonly string[] = ['stdin', 'stdout', 'stderr']

function parseDescriptors(spans: readonly Span[]): readonly number[] {
  const parts = spans.flatMap((span) => span.split('+'))
  if (parts.length > mostDescriptors)
    throw parts[mostDescriptors]!.error(
      'MB_FAULT_VALUE',
      `fd= takes ${mostDescriptors} descriptors at most`,
      'give a second rule for the others',
    )
  return [...new Set(parts.map(parseDescriptor))].sort((a, b) => a - b)
}

function parseDescriptor(span: Span): number {
  const { text } = span
  const stream = standardStreams.indexOf(text.toLowerCase())
  if (stream >= 0) return stream
  if (/^!|^\d+[^\d]/.test(text))
    throw span.error(
      'MB_FAULT_SYNTAX',
      `fd: ${quote(text)} is not a whole number`,
      text.startsWith('!')
        ? 'fd= cannot be negated'
        : 'several descriptors are joined by +: fd=1+2',
    )
  return parseInteger(span, 'fd', 0, 2 ** 31 - 1)
}
