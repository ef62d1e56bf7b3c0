/** The graphs of run, where stdout is a terminal. */
import type tty from 'node:tty'
import { keepDrawing } from './keep-drawing.ts'
import type { RunObserver } from './run-observers.ts'
import type { RunOptions } from './run-options.ts'

export function terminalForGraphs({ graph }: RunOptions): boolean {
  const { TERM } = process.env
  return graph && process.stdout.isTTY === true && TERM !== undefined && TERM !== 'dumb'
}

export function runView({ seed, configs }: RunOptions, onQuit: () => void): RunObserver {
  return {
    wantsInjections: true,
    wantsCalls: true,
    async start(sample) {
      const { openView } = await import('../view/view.ts')
      const view = await openView({
        title: `minderbinder run ${configs.join(' ')}`,
        seed: `${seed}`,
        output: process.stdout as tty.WriteStream,
        input: process.stdin.isTTY ? (process.stdin as tty.ReadStream) : undefined,
        onQuit,
      })
      const stop = keepDrawing(view, sample)
      return async () => {
        stop()
        view.close()
      }
    },
  }
}
