/** The call returns a value, and is not run: `ret:0`. */
import { neverReturns } from '../faultable.ts'
import { errnoName } from '../names/errnos.ts'
import { ruleOffsets } from '../rule-layout.ts'
import { quote, type Span } from '../span.ts'
import type { OutcomeKind } from './outcome.ts'

export interface ReturnOutcome {
  readonly kind: 'return'
  readonly value: bigint
}

export const returns: OutcomeKind<ReturnOutcome> = {
  kind: 'return',
  step: 'call',
  number: 2,
  verb: 'ret',
  otherVerbs: ['return', 'retval'],
  example: 'ret:0',
  forms: ['ret:N'],
  syntax: 'ret:N',
  brief: 'ret:N: returns N',
  gist: 'return something else',
  inject: { action: 'retval', example: 'retval=0', parse: parseReturn },
  parse: parseReturn,
  text: ({ value }) => `ret:${value}`,
  describe,
  encode(row, { value }) {
    row.writeBigInt64LE(value, ruleOffsets.value)
  },
  refuses: neverReturns,
}

/** A register's worth: -2^63 to 2^64-1, decimal or 0x; kept as the signed 64 bits that it is. */
export function parseReturn(span: Span): ReturnOutcome {
  const { text } = span
  const match = /^(-?)(\d{1,20}|0[xX][\da-fA-F]{1,16})$/.exec(text)
  if (!match) {
    if (/^-?(\d+|0[xX][\da-fA-F]+)$/.test(text)) throw outsideRegister(span)
    throw span.error(
      'MB_FAULT_SYNTAX',
      text === '' ? 'the value to return is missing' : `${quote(text)} is not a value to return`,
      'write a whole number, decimal or hexadecimal: ret:0, ret:-1, ret:0x1000',
    )
  }
  const size = BigInt(match[2] ?? '')
  const value = match[1] ? -size : size
  if (value < -(2n ** 63n) || value >= 2n ** 64n) throw outsideRegister(span)
  return { kind: 'return', value: BigInt.asIntN(64, value) }
}

function outsideRegister(span: Span) {
  return span.error('MB_FAULT_VALUE', `${quote(span.text)} does not fit into 64 bits`)
}

function describe({ value }: ReturnOutcome, many: boolean): string {
  const text = `${many ? 'return' : 'returns'} ${value} without being run`
  const isError = value < 0n && value >= -4095n
  return isError ? `${text} (to the C library an error: ${errnoName(Number(-value))})` : text
}
