/** What looks on in exec: the view of --graph, the server of --metrics. */
import type { Front } from '../../launch/front.ts'
import { type Observer, together } from '../../observe/observer.ts'
import type { ExecOptions } from './options.ts'
import { execView } from './view.ts'

/** @throws {MinderbinderError} what was asked for is not possible here */
export async function execObserver(
  options: ExecOptions,
  command: readonly string[],
  front: Front,
): Promise<Observer> {
  const observers: Observer[] = []
  if (options.graph) observers.push(execView(options, command, front))
  if (options.metrics !== undefined) {
    const { metricsObserver } = await import('../../metrics/observer.ts')
    observers.push(metricsObserver(options.metrics))
  }
  return together(observers)
}
