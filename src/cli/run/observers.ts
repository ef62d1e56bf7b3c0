/** What looks on in run: graphs or lines, and the server of --metrics. */
import type { Observer } from '../../observe/observer.ts'
import { runLines } from './lines.ts'
import type { RunOptions } from './options.ts'
import { runView, terminalForGraphs } from './view.ts'
import type { RunWords } from './words.ts'

/** @param onQuit a key at the view asks for the end */
export function runObservers(options: RunOptions, words: RunWords, onQuit: () => void): Observer[] {
  const seen = terminalForGraphs(options) ? runView(options, words, onQuit) : runLines(options)
  return [
    ...(options.quiet ? [] : [seen]),
    ...(options.metrics === undefined ? [] : [metrics(options.metrics)]),
  ]
}

function metrics(address: string): Observer {
  return {
    wantsInjections: false,
    wantsCalls: true,
    async start(sample) {
      const { metricsObserver } = await import('../../metrics/observer.ts')
      return metricsObserver(address).start(sample)
    },
  }
}
