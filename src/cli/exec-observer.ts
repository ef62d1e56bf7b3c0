/** Who looks on in exec: the view of --graph, the server of --metrics. */
import type { Launcher } from '../session/launcher.ts'
import type { Observer } from '../session/plan.ts'
import type { ExecOptions } from './exec-options.ts'
import { execView } from './exec-view.ts'

/** @throws {MinderbinderError} what was asked for is not possible here */
export async function execObserver(
  options: ExecOptions,
  command: readonly string[],
  launcher: Launcher,
): Promise<Observer> {
  const observers: Observer[] = []
  if (options.graph) observers.push(execView(options, command, launcher))
  if (options.metrics !== undefined) {
    const { metricsObserver } = await import('../metrics/observer.ts')
    observers.push(metricsObserver(options.metrics))
  }
  return together(observers)
}

function together(observers: readonly Observer[]): Observer {
  return {
    wantsInjections: observers.some(({ wantsInjections }) => wantsInjections),
    async start(sample) {
      const ends: (() => Promise<void>)[] = []
      const end = async () => {
        for (const each of ends.splice(0)) await each()
      }
      try {
        // The last one first: what takes the terminal shall not do so for the sake of an error.
        for (const observer of [...observers].reverse()) ends.push(await observer.start(sample))
      } catch (error) {
        await end()
        throw error
      }
      return end
    },
  }
}
