/** Lines of text of run, on stdout, where there is no terminal for graphs. */

import { monotonicMs } from '../../kernel/monotonic.ts'
import type { Observer } from '../../observe/observer.ts'
import type { Activity } from '../../report/activity.ts'
import { activityLines, startLines, stopLine } from '../../report/activity-lines.ts'
import { writeStdout } from '../standard-streams.ts'
import type { RunOptions } from './options.ts'

const INTERVAL_MS = 1000

export function runLines({ seed, configs }: RunOptions): Observer {
  return {
    wantsInjections: false,
    wantsCalls: false,
    async start(sample) {
      const begin = monotonicMs()
      let last: Activity | undefined
      let timer: NodeJS.Timeout
      const look = async () => {
        const now = await sample()
        writeStdout(activityLines(last, now).join(''))
        last = now
      }
      const again = () => {
        // A failing sample means that the session is failing, too, and the session reports it.
        look().catch(() => {})
        timer = setTimeout(again, INTERVAL_MS)
      }
      const first = await sample()
      const title = `run ${configs.join(' ')}`
      writeStdout(startLines(title, first.rules.length, `${seed}`).join(''))
      again()
      return async () => {
        clearTimeout(timer)
        await look().catch(() => {})
        writeStdout(stopLine((monotonicMs() - begin) / 1000))
      }
    },
  }
}
