/**
 * `exec --graph`: the view beside a command. Node is in a session of its own (src/launcher/front/start-node.c): it has the
 * terminal as a descriptor that the front opened, may write to it at any time, and hears of no signal of it.
 * So keys stay the command's, ^C as well, and the front says when it stops.
 */
import { MinderbinderError } from '../../errors.ts'
import { readStat } from '../../kernel/process/proc-stat.ts'
import { type Front, frontPid, launcherFds } from '../../launch/front.ts'
import type { Observer } from '../../observe/observer.ts'
import { keepDrawing } from '../keep-drawing.ts'
import { inForeground } from '../terminal-use.ts'
import type { ExecOptions } from './options.ts'

/** @throws {MinderbinderError} MB_TERMINAL: there is none, or the command's output would be drawn over */
export function execView(
  { seed, output, log }: ExecOptions,
  command: readonly string[],
  front: Front,
): Observer {
  if (terminalOf(frontPid) === 0)
    throw new MinderbinderError('MB_TERMINAL', '--graph: there is no terminal to draw on')
  if (process.env.TERM === undefined || process.env.TERM === 'dumb')
    throw new MinderbinderError('MB_TERMINAL', '--graph: this terminal cannot show graphs', {
      hint: 'set TERM to the type of the terminal: most are xterm-256color',
    })
  const used = process.env.MINDERBINDER_TERMINALS ?? ''
  if (used !== '' && output === undefined && log === undefined)
    throw new MinderbinderError('MB_TERMINAL', `--graph: ${usersOf(used)} on the terminal`, {
      hint: 'redirect them (</dev/null >FILE 2>&1), or give -o FILE and let the graphs cover what the command writes',
    })
  return {
    wantsInjections: true,
    wantsCalls: true,
    async start(sample) {
      const { WriteStream } = await import('node:tty')
      const { openView } = await import('../../view/view.ts')
      const view = await openView({
        title: `minderbinder exec ${command.join(' ')}`,
        seed: `${seed}`,
        output: new WriteStream(launcherFds.terminal),
        input: undefined,
        suspended: true,
        shared: used !== '',
        onQuit() {},
      })
      let stopped = false
      const show = () => {
        if (!stopped && inForeground(frontPid)) view.resume()
        else view.suspend()
      }
      front.announceView({
        restore: view.restore,
        suspend() {
          stopped = true
          view.suspend()
        },
        resume() {
          stopped = false
          show()
        },
      })
      const stop = keepDrawing(view, sample, show)
      return async () => {
        stop()
        view.close()
        front.announceView(undefined)
      }
    },
  }
}

const streams = ['stdin', 'stdout', 'stderr']

/** `its stdout and stderr are` */
function usersOf(descriptors: string): string {
  const names = Array.from(descriptors, (digit) => streams[Number(digit)] ?? digit)
  return `the command's ${names.join(' and ')} ${names.length > 1 ? 'are' : 'is'}`
}

/** Device number of its controlling terminal; 0: none. */
function terminalOf(pid: number): number {
  return Number(readStat(pid).field(7))
}
