/** fd=N: only calls on this descriptor. */
import { callShape } from '../names/shapes.ts'
import { addFlag, ruleFlags, ruleOffsets } from '../rule-layout.ts'
import { quote, type Span } from '../span.ts'
import { parseInteger } from '../values.ts'
import type { Key } from './key.ts'

export interface FdKey {
  readonly fd?: number
}

export const fd: Key<FdKey> = {
  name: 'fd',
  faults: ['syscall'],
  narrows: true,
  brief: 'fd=N',
  field: { type: 'number', is: 'a whole number', about: "The call's descriptor argument" },
  read: (value) => (value ? { fd: parseDescriptor(value) } : {}),
  encode(row, rule) {
    if (rule.fd === undefined) return
    addFlag(row, ruleFlags.fd)
    row.writeInt32LE(rule.fd, ruleOffsets.fd)
  },
  refuses: (call) =>
    callShape(call).fds.length > 0 ? undefined : { reason: 'it has no descriptor argument' },
  describe: (rule) => (rule.fd === undefined ? undefined : `descriptor ${rule.fd}`),
  written: (rule) => (rule.fd === undefined ? undefined : `${rule.fd}`),
  covers: (earlier, later) => earlier.fd === undefined || earlier.fd === later.fd,
}

const standardStreams: readonly string[] = ['stdin', 'stdout', 'stderr']

function parseDescriptor(span: Span): number {
  const { text } = span
  const stream = standardStreams.indexOf(text.toLowerCase())
  const hint =
    stream >= 0
      ? `did you mean fd=${stream}?`
      : text.startsWith('!')
        ? 'fd= cannot be negated'
        : 'a rule has one descriptor: give a rule for each'
  if (stream >= 0 || /^!|^\d+[^\d]/.test(text))
    throw span.error('MB_FAULT_SYNTAX', `fd: ${quote(text)} is not a whole number`, hint)
  return parseInteger(span, 'fd', 0, 2 ** 31 - 1)
}
