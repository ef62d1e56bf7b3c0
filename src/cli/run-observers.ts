/** Who looks on in run: graphs or lines, and the server of --metrics. */
import type { Observer } from '../session/plan.ts'
import { runLines } from './run-lines.ts'
import type { RunOptions } from './run-options.ts'
import { runView, terminalForGraphs } from './run-view.ts'

export interface RunObserver extends Observer {
  /** Shows what targets call. */
  readonly wantsCalls: boolean
}

/** @param onQuit somebody at the view's keyboard wants an end */
export function runObservers(options: RunOptions, onQuit: () => void): RunObserver[] {
  const observers: RunObserver[] = []
  if (options.metrics !== undefined) observers.push(metrics(options.metrics))
  if (options.quiet) return observers
  return [...observers, terminalForGraphs(options) ? runView(options, onQuit) : runLines(options)]
}

function metrics(address: string): RunObserver {
  return {
    wantsInjections: false,
    wantsCalls: true,
    async start(sample) {
      const { metricsObserver } = await import('../metrics/observer.ts')
      return metricsObserver(address).start(sample)
    },
  }
}
