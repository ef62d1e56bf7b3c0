/** The call waits before it returns: `delay-exit:200ms`. By then it has run, or failed without being run. */
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

export interface DelayExitOutcome extends Pause {
  readonly kind: 'delay-exit'
}

function timeWords({ ns, toNs }: Pause): string {
  const shortest = durationWords(ns)
  return toNs === undefined
    ? shortest
    : `for a time drawn from ${shortest} to ${durationWords(toNs)}`
}

export const delayExit: OutcomeKind<DelayExitOutcome> = {
  kind: 'delay-exit',
  step: 'exit',
  verb: 'delay-exit',
  otherVerbs: ['delay_exit', 'delay-return'],
  example: 'delay-exit:50ms',
  forms: ['delay-exit:50ms'],
  syntax: 'delay-exit:DURATION[..DURATION]',
  brief: 'delay-exit:50ms: returns late',
  gist: 'return late',
  inject: {
    action: 'delay_exit',
    example: 'delay_exit=50ms',
    parse: (value) => ({ kind: 'delay-exit', ...parseStracePause(value) }),
  },
  notAtEntry: 'a program at the entry of a call does not see it return',
  notByNotification: 'user notification lets a call run, and does not see it return',
  parse: (value) => ({ kind: 'delay-exit', ...parsePause(value) }),
  text: (outcome) => `delay-exit:${pauseText(outcome)}`,
  describe: (outcome, many) =>
    `${many ? 'wait' : 'waits'} ${timeWords(outcome)} before ${many ? 'they return' : 'it returns'}`,
  encode: (row, outcome) => encodePause(row, ruleOffsets.exit, outcome),
  refuses: (call) =>
    call === 'exit' || call === 'exit_group'
      ? 'a call that ends its caller never returns; a delay before it, or a signal, can be injected'
      : undefined,
  drawn: (outcome, draws) => ({ kind: 'delay-exit', ...drawnPause(outcome, draws.exit) }),
}
