/** The call runs, and moves fewer bytes than it is asked for: `short:1`, `short:50%`. */
import { callShape } from '../names/shapes.ts'
import { type RuleBytes, ruleOffsets } from '../rule-layout.ts'
import type { Span } from '../span.ts'
import { parseInteger, parseRate } from '../values.ts'
import { counted } from '../words/numbers.ts'
import type { OutcomeKind } from './outcome.ts'

export type ShortOutcome = { readonly kind: 'short' } & (
  | { readonly bytes: number }
  /** Of what the call asks for, rounded down; 1 byte at least. */
  | { readonly percent: number }
)

/** MAX_RW_COUNT of include/linux/fs.h: the kernel moves no more at once. */
const mostBytes = 0x7ffff000

const endOfFile = 'ret:0 moves nothing and returns 0, which to a reader is the end of the file'

export const short: OutcomeKind<ShortOutcome> = {
  kind: 'short',
  step: 'call',
  number: 7,
  verb: 'short',
  otherVerbs: ['partial', 'truncate'],
  example: 'short:50%',
  forms: ['short:50%'],
  syntax: 'short:BYTES or short:N%',
  brief: 'short:1, short:50%: moves less',
  gist: 'move less than they are asked for',
  notAtEntry: 'a program at the entry of a call cannot change what it asks for',
  notByNotification: 'user notification lets a call run as it is, or not at all',
  onlySome: 'able to move less',
  parse: parseShort,
  text: (outcome) => `short:${amountText(outcome)}`,
  describe: (outcome, many) =>
    'bytes' in outcome
      ? `${many ? 'move' : 'moves'} at most ${counted(outcome.bytes, 'byte')}`
      : `${many ? 'move' : 'moves'} ${outcome.percent}% of the bytes asked for, and at least 1`,
  encode(row, outcome) {
    encodeShort(row, outcome)
  },
  refuses: (call) => (callShape(call).length ? undefined : notShort(call)),
}

function notShort(call: string): string {
  return /^(recv|send)mmsg$/.test(call)
    ? 'messages move whole, or not at all'
    : 'no data that the kernel may move in part'
}

function amountText(outcome: ShortOutcome): string {
  return 'bytes' in outcome ? `${outcome.bytes}` : `${outcome.percent}%`
}

function parseShort(span: Span): ShortOutcome {
  const { text } = span
  if (text === '')
    throw span.error('MB_FAULT_SYNTAX', 'how much to move is missing', 'such as short:50%')
  if (/^0+$/.test(text))
    throw span.error('MB_FAULT_VALUE', 'a call that moves 0 bytes is not short', endOfFile)
  if (!text.endsWith('%'))
    return { kind: 'short', bytes: parseInteger(span, 'the number of bytes', 1, mostBytes) }
  const percent = parseRate(span)
  if (percent === 0) throw span.error('MB_FAULT_VALUE', '0% moves nothing', endOfFile)
  if (percent === 100)
    throw span.error('MB_FAULT_VALUE', '100% is not short', 'how often it fires is the rate: @100%')
  return { kind: 'short', percent }
}

function encodeShort(row: RuleBytes, outcome: ShortOutcome): void {
  if ('bytes' in outcome) row.writeBigInt64LE(BigInt(outcome.bytes), ruleOffsets.value)
  else row.writeBigUInt64LE(shareOf(outcome.percent), ruleOffsets.share)
}

/** Of 2^32, and never none: a value of 0 says that there is one. Rounded up, so that 50% of 2 is 1, and 10% of 10. */
function shareOf(percent: number): bigint {
  return BigInt(Math.min(Math.ceil((percent / 100) * 2 ** 32), 2 ** 32 - 1))
}
