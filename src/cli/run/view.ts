/** The graphs of run, where stdout is a terminal. */
import type tty from 'node:tty'
import type { Observer } from '../../observe/observer.ts'
import { keepDrawing } from '../keep-drawing.ts'
import { inForeground } from '../terminal-use.ts'
import type { RunOptions } from './options.ts'
import type { RunWords } from './words.ts'

/** Not in the background: a process that takes the terminal from there is stopped (SIGTTOU), with faults in force. */
export function terminalForGraphs({ graph }: RunOptions): boolean {
  const { TERM } = process.env
  if (!graph || process.stdout.isTTY !== true) return false
  return TERM !== undefined && TERM !== 'dumb' && inForeground(process.pid)
}

export function runView(
  { seed, configs }: RunOptions,
  words: RunWords,
  onQuit: () => void,
): Observer {
  return {
    wantsInjections: true,
    wantsCalls: true,
    async start(sample) {
      const { openView } = await import('../../view/view.ts')
      const view = await openView({
        title: `minderbinder run ${configs.join(' ')}`,
        seed: `${seed}`,
        output: process.stdout as tty.WriteStream,
        input: process.stdin.isTTY ? (process.stdin as tty.ReadStream) : undefined,
        onQuit,
      })
      words.cover({ show: (line) => view.say(line), leaveOut: (rules) => view.leaveOut(rules) })
      const stop = keepDrawing(view, sample)
      return async () => {
        stop()
        view.close()
        words.uncover()
      }
    },
  }
}
