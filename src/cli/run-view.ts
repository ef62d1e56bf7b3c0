/** The graphs of run, where stdout is a terminal. */
import type tty from 'node:tty'
import type { RunObserver } from './run-observers.ts'
import type { RunOptions } from './run-options.ts'

const INTERVAL_MS = 500

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
      let timer: NodeJS.Timeout
      const look = () => {
        // A sample that fails is the session's to report: it fails of the same.
        sample().then(
          (activity) => view.update(activity),
          () => {},
        )
        timer = setTimeout(look, INTERVAL_MS)
      }
      look()
      return async () => {
        clearTimeout(timer)
        view.close()
      }
    },
  }
}
