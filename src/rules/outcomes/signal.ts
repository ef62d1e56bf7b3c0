/** The calling thread gets a signal at the call: `signal:SIGKILL`. */
import { signalByName, signalMax, signalName, signalNames } from '../names/signals.ts'
import { nearest } from '../names/suggest.ts'
import { ruleOffsets } from '../rule-layout.ts'
import { quote, type Span } from '../span.ts'
import type { OutcomeKind } from './outcome.ts'

export interface SignalOutcome {
  readonly kind: 'signal'
  readonly name: string
  readonly signal: number
}

export const signal: OutcomeKind<SignalOutcome> = {
  kind: 'signal',
  step: 'signal',
  verb: 'signal',
  otherVerbs: ['kill', 'sig'],
  example: 'signal:SIGKILL',
  forms: ['signal:SIGKILL'],
  syntax: 'signal:SIGNAL',
  brief: 'signal:SIGTERM: gets the signal',
  gist: 'bring a signal',
  inject: { action: 'signal', example: 'signal=SIGTERM', parse: parseSignal },
  notAtEntry: 'override fails calls and sends no signals',
  parse: parseSignal,
  text: ({ name }) => `signal:${name}`,
  describe: ({ name }, many) => `${many ? 'send' : 'sends'} the calling thread ${name}`,
  encode(row, outcome) {
    row.writeBigUInt64LE(BigInt(outcome.signal), ruleOffsets.signal)
  },
  refuses: () => undefined,
}

/** `SIGKILL`, `KILL`, `9`. */
function parseSignal(span: Span): SignalOutcome {
  const { text } = span
  const number = signalByName(text)
  if (number !== undefined) return { kind: 'signal', name: signalName(number), signal: number }
  if (text === '')
    throw span.error('MB_FAULT_SYNTAX', 'the signal is missing', 'such as signal:SIGKILL')
  if (/^\d+$/.test(text))
    throw span.error('MB_FAULT_VALUE', `the signal ${quote(text)} is not within 1 to ${signalMax}`)
  const upper = text.toUpperCase()
  const near = nearest(upper.startsWith('SIG') ? upper : `SIG${upper}`, signalNames())
  throw span.error(
    'MB_UNKNOWN_NAME',
    `unknown signal ${quote(text)}`,
    near ? `did you mean ${near}?` : 'kill -l names them all',
  )
}
