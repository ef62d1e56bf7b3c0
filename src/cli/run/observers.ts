/** Who looks on in run: graphs or lines, and the server of --metrics. */
import type { Observer } from '../../session/plan.ts'
import { runLines } from './lines.ts'
import type { RunOptions } from './options.ts'
import { runView, terminalForGraphs } from './view.ts'
import type { RunWords } from './words.ts'

export interface RunObserver extends Observer {
  /** Shows what targets call. */
  readonly wantsCalls: boolean
}

/** @param onQuit somebody at the view's keyboard wants an end */
export function runObservers(
  options: RunOptions,
  words: RunWords,
  onQuit: () => void,
): RunObserver[] {
  const seen = terminalForGraphs(options) ? runView(options, words, onQuit) : runLines(options)
  return [
    ...(options.quiet ? [] : [seen]),
    ...(options.metrics === undefined ? [] : [metrics(options.metrics)]),
  ]
}

function metrics(address: string): RunObserver {
  return {
    wantsInjections: false,
    wantsCalls: true,
    async start(sample) {
      const { metricsObserver } = await import('../../metrics/observer.ts')
      return metricsObserver(address).start(sample)
    },
  }
}
