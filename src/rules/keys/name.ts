/** name=LABEL: what the summary and the log call a rule. */
import { printable, type Span } from '../span.ts'
import { everyFault, type Key } from './key.ts'

export interface NameKey {
  /**
   * `name=LABEL`, or the fault as it was written: what the summary and the log call this rule. Without control
   * characters.
   */
  readonly label: string
}

export const name: Key<NameKey> = {
  name: 'name',
  faults: everyFault,
  narrows: false,
  brief: 'name=LABEL',
  field: {
    type: 'number or text',
    is: 'a name',
    about: 'What the summary and the log call this rule. No two rules have the same',
  },
  read: (value, { written, textOf }) => ({
    label: value ? parseLabel(value, textOf(value)) : printable(written),
  }),
}

function parseLabel(span: Span, label: string): string {
  if (label.trim() === '') throw span.error('MB_FAULT_VALUE', 'name= is empty')
  if (label !== printable(label))
    throw span.error('MB_FAULT_VALUE', 'name= has a control character in it')
  return label
}
