/** The call runs after a pause: `delay:50ms`. */
import type { Span } from '../span.ts'
import { parseDuration } from '../values.ts'
import { durationText, durationWords } from '../words/durations.ts'
import type { OutcomeKind } from './outcome.ts'

export interface DelayOutcome {
  readonly kind: 'delay'
  readonly ns: bigint
}

export const delay: OutcomeKind<DelayOutcome> = {
  kind: 'delay',
  number: 3,
  verb: 'delay',
  otherVerbs: ['delay_enter', 'sleep'],
  example: 'delay:50ms',
  forms: ['delay:50ms'],
  syntax: 'delay:DURATION',
  brief: 'delay:50ms: runs after a pause',
  gist: 'wait',
  inject: {
    action: 'delay_enter',
    example: 'delay_enter=50ms',
    // strace(1), "Time specification format description"
    parse: (value) => parseDelay(value, 'us'),
  },
  notAtEntry: 'a program at the entry of a call cannot wait',
  parse: (value) => parseDelay(value),
  text: ({ ns }) => `delay:${durationText(ns)}`,
  describe: ({ ns }, many) => `${many ? 'run' : 'runs'} after a pause of ${durationWords(ns)}`,
  encode: ({ ns }) => ns,
  refuses: () => undefined,
}

function parseDelay(value: Span, defaultUnit?: string): DelayOutcome {
  const limits = { zeroAllowed: false, ...(defaultUnit !== undefined && { defaultUnit }) }
  return { kind: 'delay', ns: parseDuration(value, limits) }
}
