/** The call waits before it runs: `delay:50ms`, `delay:10ms..50ms`. */
import { ruleOffsets } from '../rule-layout.ts'
import { durationWords } from '../words/durations.ts'
import type { OutcomeKind } from './outcome.ts'
import {
  drawnPause,
  encodePause,
  type Pause,
  parsePause,
  parseStracePause,
  pauseText,
} from './pause.ts'

export interface DelayOutcome extends Pause {
  readonly kind: 'delay'
}

export const delay: OutcomeKind<DelayOutcome> = {
  kind: 'delay',
  step: 'enter',
  verb: 'delay',
  otherVerbs: ['delay_enter', 'sleep'],
  example: 'delay:50ms',
  forms: ['delay:50ms'],
  syntax: 'delay:DURATION[..DURATION]',
  brief: 'delay:50ms[..90ms]: waits',
  gist: 'wait',
  inject: {
    action: 'delay_enter',
    example: 'delay_enter=50ms',
    parse: (value) => ({ kind: 'delay', ...parseStracePause(value) }),
  },
  notAtEntry: 'a program at the entry of a call cannot wait',
  parse: (value) => ({ kind: 'delay', ...parsePause(value) }),
  text: (outcome) => `delay:${pauseText(outcome)}`,
  describe: ({ ns, toNs }) =>
    toNs === undefined
      ? `after a pause of ${durationWords(ns)}`
      : `after a pause drawn from ${durationWords(ns)} to ${durationWords(toNs)}`,
  encode: (row, outcome) => encodePause(row, ruleOffsets.enter, outcome),
  refuses: () => undefined,
  drawn: (outcome, draws) => ({ kind: 'delay', ...drawnPause(outcome, draws.enter) }),
}
